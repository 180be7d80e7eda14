"""The table from the methods of the link to the functions that carry them out. Dropped after the boot (run.py): only
the table stays.

`p` are the Parts (assembly.py). The parameters of each method, and whether it is a query or a command, are in
link/schema.py.
"""

from pump.commands.queries import no_therapy
from pump.link.server import refusing


def link_functions(p):
    """name: function, for every method of link/schema.py."""
    functions = {  # type: dict[str, object]
        "hello": p.queries.hello,
        "status": p.queries.status,
        "alarms": p.queries.alarms,
        "tasks": p.queries.tasks,
        "last_therapy": p.delivered_volume.to_dict,
        "log": p.journal.read,
        "order": p.drug_orders.order_to_dict,
        "library": p.drug_orders.library,
        "library_line": p.drug_orders.take_line,
        "library_change": p.confirmation.proposing(p.drug_orders.change_library),
        "confirm": p.confirmation.confirm,
        "stop": p.operator.stop,
        "pause": p.operator.pause,
        "request_bolus": p.operator.request_bolus,
        "acknowledge": p.operator.acknowledge,
        "silence": p.operator.silence,
        "clear_alarms": p.operator.clear_alarms,
        "alarm_test": p.maintenance.alarm_test,
        "telemetry": p.maintenance.telemetry,
        "set_clock": p.maintenance.set_clock,
        "service": p.maintenance.service,
        "reset": p.maintenance.reset,
        "calibration": p.calibration.to_dict,
        "calibrate": p.calibration.calibrate,
        "uncalibrate": p.calibration.undo,
    }
    if p.battery is None:
        functions["battery"] = refusing("this pump's profile has no battery", "no_battery")
    else:
        functions["battery"] = p.battery.to_dict
    functions.update(_delivery_functions(p))
    return functions


def _delivery_functions(p):
    """The methods that need a delivery, which a pump without a valid profile or calibration has not."""
    if p.delivery is None:
        what = "profile" if p.profile is None else "calibration"
        names = (
            "start", "bolus", "set_rate", "resume", "refill", "occlusion_level", "reservoir", "self_test",
            "test_report",
        )  # fmt: skip
        functions = dict.fromkeys(names, refusing("there is no valid " + what, "fault"))  # type: dict[str, object]
        functions["therapy"] = no_therapy
        return functions
    proposing = p.confirmation.proposing
    return {
        "start": proposing(p.flow_changes.start),
        "bolus": proposing(p.flow_changes.bolus),
        "set_rate": proposing(p.flow_changes.set_rate),
        "resume": proposing(p.flow_changes.resume),
        "refill": proposing(p.reservoir_commands.refill),
        "occlusion_level": proposing(p.occlusion_level.change),
        "therapy": p.therapy.to_dict,
        "reservoir": p.reservoir.to_dict,
        "self_test": p.self_test_commands.begin,
        "test_report": p.self_test_commands.to_dict,
    }
