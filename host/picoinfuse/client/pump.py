"""The client: every method of the pump, with typed replies.

    with Pump("/dev/ttyACM0") as pump:
        pump.start(rate_ul_h=5000)
        print(pump.status())

A command carries the boot number of the last `hello`. When the pump has been reset since, it refuses
(`other_boot`) until `reconnect()` has said hello again: a command from before a reset is never carried out
after it.
"""

from functools import cache
from types import MappingProxyType
from typing import Any

from picoinfuse.client import caller, hello
from picoinfuse.client.method import Command, Method, Query, TwoStep
from picoinfuse.client.methods import alarms, calibration, drugs, flow, maintenance, status

SUBJECTS = (hello, status, flow, alarms, drugs, calibration, maintenance, caller)


@cache
def methods() -> MappingProxyType[str, Method[Any]]:
    """Every method of the link that this client knows, by name."""
    found = [value for subject in SUBJECTS for value in vars(subject).values() if isinstance(value, Method)]
    return MappingProxyType({method.name: method for method in found})


class Pump(
    status.StatusMethods,
    flow.FlowMethods,
    alarms.AlarmMethods,
    drugs.DrugMethods,
    calibration.CalibrationMethods,
    maintenance.MaintenanceMethods,
):
    """`port` is what pyserial opens, or an open Port. Rates are in µL/h, volumes in nL, pressures in Pa.

    Every method raises PumpError when the pump refuses, NoAnswer or PortVanished when no reply comes, and BadReply when
    a reply is malformed. Those that change the flow propose and confirm it; `propose_…` does only the first step.
    """

    def call(self, name: str, /, **params: Any) -> Any:
        """A method by its name on the link, with raw parameters: for the Python prompt, and to try the pump's checks.

        Returns the reply's dataclass, or a Proposal where the method takes two steps.
        """
        method = methods()[name]
        if isinstance(method, Query):
            return self.query(method, **params)
        if isinstance(method, TwoStep):
            return self.propose(method, **params)
        assert isinstance(method, Command)
        return self.command(method, **params)
