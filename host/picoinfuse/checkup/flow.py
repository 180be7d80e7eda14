"""Check-up steps with an infusion: accuracy at two rates, the battery under load, the stop button."""

from __future__ import annotations

from picoinfuse.checkup.model import FAIL, SKIPPED, Row, Step, Visit, judged
from picoinfuse.client.methods.maintenance import Battery
from picoinfuse.client.methods.status import Status
from picoinfuse.common import units

DELIVERY_PERCENT = 5.0  # Generic Infusion Pump 1.2, of the weighed volume
COUNT_STEPS = 1
TIME_PERCENT = 2.0
TIME_S = 1.5  # the ramp, and how often this program polls
RESISTANCE_FACTOR = 2.0  # times the profile's: a worn cell
REST_S = 1.0  # steps that were granted run out within 0.5 s; another infusion can start only then
LOADED_S = 22.0  # two measurements of 10 s
PRESS_S = 30.0


def delivery(visit: Visit) -> Step:
    """A volume at each of two rates: its time, its step count, and its weight if a person weighs it."""
    rows: list[Row] = []
    for number, name in enumerate(("fast", "slow")):
        rows += _one(visit, name, visit.plan.rates_ul_h[number], visit.plan.volumes_nl[number])
    return Step("Delivery", tuple(rows))


def _one(visit: Visit, name: str, rate_ul_h: int, volume_nl: int) -> list[Row]:
    pump = visit.pump
    label = f"{units.ml(volume_nl)} at {units.ml_h(rate_ul_h)}"
    visit.say(f"delivering {label}")
    expected_s = volume_nl / rate_ul_h * 3.6  # nL / (µL/h) = 3.6 s
    began_s = visit.now()
    pump.start(rate_ul_h, volume_nl)
    visit.wait(lambda: pump.status().state != "infusing", expected_s * 1.5 + 10)
    lasted_s = visit.now() - began_s
    status = pump.status()
    if "infusion_complete" not in status.alarms:
        pump.stop()
        visit.sleep(REST_S)
        return [Row(label, "not completed", ", ".join(status.alarms) or status.state, FAIL)]
    pump.clear_alarms()
    rows = [_counted(label, status), _timed(label, lasted_s, expected_s)]
    request = f"When the dripping has stopped: weight of the {units.ml(volume_nl)} in g (Enter to skip)"
    grams = visit.person.weighs(f"weight_{name}", request)
    if grams is None:
        rows.append(Row(f"{label}, weighed", "not weighed", outcome=SKIPPED))
    else:
        ml = grams * visit.plan.ml_per_g
        percent = (ml * 1e6 / status.delivered_nl - 1) * 100
        rows.append(
            Row(
                f"{label}, weighed",
                f"{ml:.3f} mL, {percent:+.1f} %",
                f"within {DELIVERY_PERCENT:g} %",
                judged(abs(percent) <= DELIVERY_PERCENT),
            )
        )
    return rows


def _counted(label: str, status: Status) -> Row:
    missing = status.steps_commanded - status.steps_counted
    text = f"{status.steps_counted} of {status.steps_commanded} steps, {units.ml(status.delivered_nl)}"
    return Row(f"{label}, counted", text, "by the second state machine", judged(abs(missing) <= COUNT_STEPS))


def _timed(label: str, lasted_s: float, expected_s: float) -> Row:
    allowed_s = TIME_S + expected_s * TIME_PERCENT / 100
    text = f"{lasted_s:.1f} s, {expected_s:.1f} s commanded"
    return Row(f"{label}, time", text, f"within {allowed_s:.1f} s", judged(abs(lasted_s - expected_s) <= allowed_s))


def battery(visit: Visit, present: bool) -> Step:
    """Voltage at rest and under the motor's current; the voltage of a worn cell sags."""
    title = "Battery under load"
    if not present:
        return Step(title, (Row("Battery", "none", "the profile has none", SKIPPED),))
    pump = visit.pump
    visit.say("the battery at rest, then under the motor's current")
    visit.sleep(LOADED_S)
    before = pump.battery()
    pump.start(visit.plan.rates_ul_h[1])
    visit.sleep(LOADED_S)
    after = pump.battery()
    pump.stop()
    visit.sleep(REST_S)
    return Step(title, (*_charge(after), *_sag(visit, before, after)))


def _charge(battery: Battery) -> tuple[Row, ...]:
    left = "unknown" if battery.minutes_left is None else f"{battery.minutes_left} min of infusion"
    return (
        Row("State", battery.state, left, judged(battery.state == "ok")),
        Row("Capacity", f"{battery.capacity_mah} mAh", "as learned since the last reset"),
    )


def _sag(visit: Visit, before: Battery, after: Battery) -> tuple[Row, ...]:
    if before.rest_mv is None or after.loaded_mv is None:
        return (Row("Under load", "not measured", outcome=FAIL),)
    sag_mv = before.rest_mv - after.loaded_mv
    text = f"{before.rest_mv} mV at rest, {after.loaded_mv} mV loaded"
    values = None if visit.profile is None else visit.profile.values.get("battery")
    if values is None or not values["motor_ma"]:
        return (Row("Under load", text, f"falls by {sag_mv} mV; this computer lacks the pump's profile"),)
    found_mohm = sag_mv * 1000 / values["motor_ma"]
    limit_mohm = RESISTANCE_FACTOR * values["resistance_mohm"]
    return (
        Row("Under load", text, f"above {values['empty_mv']} mV", judged(after.loaded_mv > values["empty_mv"])),
        Row("Resistance", f"{found_mohm:.0f} mΩ", f"at most {limit_mohm:.0f}", judged(found_mohm <= limit_mohm)),
    )


def stop_button(visit: Visit, present: bool) -> Step:
    """The person stops a running infusion with the button."""
    title = "Stop button"
    if not present:
        return Step(title, (Row("Button", "none", "the profile has none", SKIPPED),))
    pump = visit.pump
    pump.start(visit.plan.rates_ul_h[1])
    asked = visit.person.confirms("stop_button", "Hold the stop button until the pump stops. Did you?")
    if asked is None:
        pump.stop()
        return Step(title, (Row("Button", "not asked", outcome=SKIPPED),))
    stopped = visit.wait(lambda: pump.status().state == "idle", PRESS_S if asked else 0.0)
    if not stopped:
        pump.stop()
    visit.sleep(REST_S)
    text = "stopped the infusion" if stopped else "did not stop the infusion"
    return Step(title, (Row("Held for a second", text, outcome=judged(stopped)),))
