"""How each wire of a rig is looked at: it is driven, and the pump must see it.

Every function gets the desk with a pump that is idle, and returns None when the pump saw what it had to, else what it
saw instead.
"""

from __future__ import annotations

from picoinfuse.common import units
from picoinfuse.rig.wiring_check import Desk

OFF_S = 2.0  # until the capacitors of a Pico are empty
LOW_S = 0.2
BOOTSEL_S = 3.0  # a pump that starts answers sooner
RISE_PA = 5000
RISE_S = 8.0
RATE_UL_H = 100_000  # a closed 50 mL syringe rises by 5 kPa in 2.6 s
FLOWING_S = 5.0  # until what the line itself resists has built up
SLOW_UL_H = 1000
SENSOR_PA = (5000, 25_000)
SENSOR_MV = 20  # converter of the Pico, noise and step of the MCP4725 together
BATTERY_MV = (3700, 4000)
BATTERY_SHARE = 0.03
AVERAGED_S = 25.0  # two averages of the pump's battery task
HOLD_S = 1.5  # the stop button acts at 1 s
PRESS_S = 0.5
ASK = {"volume_nl": 10_000, "rate_ul_h": 10_000, "lockout_s": 300, "max_1h_nl": 50_000, "max_4h_nl": 80_000}
ASKING = {"kind": "pca", "segments": [[0, 0, 0, 0]], "bolus": ASK}


def pump(desk: Desk) -> str | None:
    """With every line inactive. When it is silent, a line may be the wrong way round: then it answers with that one
    driven.
    """
    if desk.answers():
        return None
    for line in ("supply_off", "run", "bootsel"):
        if line not in desk.rig.lines:
            continue
        with desk.held(line):
            if line == "bootsel":
                _restart(desk)
            desk.sleep(OFF_S)
            if desk.answers():
                return f"with {line} driven it answers: {line} is the wrong way round, its pin wants a ! or none"
    return "nothing answers"


def supply_off(desk: Desk) -> str | None:
    with desk.held("supply_off"):
        desk.sleep(LOW_S)
        if desk.answers():
            return "it answers without its supply: the relay does not switch, or it has another supply (VBUS)"
        desk.sleep(OFF_S)
    return None if desk.comes_back() else "it does not come back with it"


def run(desk: Desk) -> str | None:
    with desk.held("run"):
        desk.sleep(LOW_S)
        if desk.answers():
            return "it answers all the while"
    return None if desk.comes_back() else "it does not come back when RUN is let go"


def bootsel(desk: Desk) -> str | None:
    with desk.held("bootsel"):
        _restart(desk)
        desk.sleep(BOOTSEL_S)
        started = desk.answers()
    _restart(desk)
    back = desk.comes_back()
    if started:
        return "its firmware starts as if nobody held it"
    return None if back else "it does not start when BOOTSEL is free again"


def _restart(desk: Desk) -> None:
    line = "run" if "run" in desk.rig.lines else "supply_off"
    with desk.held(line):
        desk.sleep(OFF_S if line == "supply_off" else LOW_S)


def valve(desk: Desk) -> str | None:
    """Closes the line under a running pump, and opens it again long before the alarm."""
    desk.pump.start(min(RATE_UL_H, desk.profile.values["mechanics"]["max_rate_ul_h"]))
    desk.sleep(FLOWING_S)
    before = desk.pressure_pa()
    if before is None:
        return "there is no valid pressure"
    with desk.held("valve"):
        rose = desk.wait_for(lambda: (desk.pressure_pa() or 0) > before + RISE_PA, RISE_S)
        closed = desk.pressure_pa()
    if not rose:
        return f"it goes from {_pa(before)} to {_pa(closed)} in {RISE_S:g} s, and {units.mmhg(RISE_PA)} more are due"
    fell = desk.wait_for(lambda: (desk.pressure_pa() or 0) < before + RISE_PA // 2, RISE_S)
    return None if fell else f"it rises to {_pa(closed)}, but stays when the valve opens"


def sensor_dac(desk: Desk) -> str | None:
    sensor = desk.profile.values["sensor"]
    with desk.held("sensor_switch"):
        for wanted_pa in SENSOR_PA:
            millivolts = sensor["offset_mv"] + wanted_pa / sensor["pa_per_mv"]
            desk.stimuli.put_out("sensor_dac", millivolts)
            desk.sleep(1.0)
            found_pa = desk.pressure_pa()
            if found_pa is None or abs(found_pa - wanted_pa) > SENSOR_MV * sensor["pa_per_mv"]:
                return f"{millivolts:.0f} mV are put out, which are {_pa(wanted_pa)}, and it reads {_pa(found_pa)}"
    return None


def battery_dac(desk: Desk) -> str | None:
    battery = desk.profile.values.get("battery")
    if battery is None:
        return f"the profile {desk.profile.name} has no battery"
    whole, part = battery["divider"]
    for wanted_mv in BATTERY_MV:
        desk.stimuli.put_out("battery_dac", wanted_mv * part / whole)
        desk.sleep(AVERAGED_S)
        found_mv = desk.pump.battery().millivolts
        if found_mv is None or abs(found_mv - wanted_mv) > BATTERY_SHARE * wanted_mv:
            put_mv = wanted_mv * part / whole
            return f"{put_mv:.0f} mV are put out, which are {wanted_mv} mV of battery, and it reads {found_mv} mV"
    return None


def button_stop(desk: Desk) -> str | None:
    desk.pump.start(SLOW_UL_H)
    desk.sleep(1.0)
    with desk.held("button_stop"):
        desk.sleep(HOLD_S)
    return None if desk.pump.status().state != "infusing" else "the infusion goes on"


def button_request(desk: Desk) -> str | None:
    desk.pump.start_regimen(ASKING)
    desk.sleep(1.0)
    with desk.held("button_request"):
        desk.sleep(PRESS_S)
    desk.sleep(PRESS_S)
    told = desk.pump.therapy()
    return None if told is not None and told.requests == 1 else "it knows of no request"


def _pa(pressure_pa: int | None) -> str:
    return "no valid pressure" if pressure_pa is None else units.mmhg(pressure_pa)
