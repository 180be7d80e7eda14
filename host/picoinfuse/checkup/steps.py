"""Check-up steps without an infusion: identity, self-test, the sensor's zero, alarms, state at the end."""

from __future__ import annotations

from statistics import fmean, pstdev

import picoinfuse
from picoinfuse.checkup.model import FAIL, PASS, SKIPPED, Row, Step, Visit, answered, judged
from picoinfuse.common import units
from picoinfuse.common.units import pa_of_mmhg

SELF_TEST_S = 5.0  # the longest self-test that docs/architecture.md allows
ZERO_READINGS = 40
ZERO_MMHG = 10  # an occlusion limit of 250 mmHg is then right to 4 %
NOISE_MMHG = 5
_SOUNDS = {
    "low": ("two tones", "yellow lamp, steady"),
    "medium": ("three tones", "yellow lamp, slow flashes"),
    "high": ("ten tones, in two groups of five", "red lamp, quick flashes"),
}
_TEST_WORDS = {"passed": PASS, "failed": FAIL, "not_run": SKIPPED, "absent": SKIPPED}
_TEST_REMARKS = {
    "not_run": "not run: the watchdog is tested after power-on only",
    "absent": "this pump lacks the hardware",
}


def identity(visit: Visit) -> Step:
    """Versions; only a valid profile and calibration are judged."""
    hello = visit.pump.hello()
    return Step(
        "Versions",
        (
            Row("Firmware", f"{hello.version} ({hello.commit})", f"MicroPython {hello.micropython}, {hello.machine}"),
            Row("Profile", hello.profile or "none", outcome=judged(hello.profile is not None)),
            Row("Calibration", hello.calibration or "none", outcome=judged(hello.calibration is not None)),
            Row("Drug library", hello.library or "none", "name, version and CRC" if hello.library else ""),
            Row("Checked with", f"picoinfuse {picoinfuse.__version__}"),
        ),
    )


def self_test(visit: Visit) -> Step:
    """Run the self-test; its length and each test are judged."""
    pump = visit.pump
    began_s = visit.now()
    pump.self_test()
    over = visit.wait(lambda: pump.status().state != "self_test", 70.0)
    lasted_s = visit.now() - began_s
    rows = [Row("Length", f"{lasted_s:.1f} s", f"at most {SELF_TEST_S:g} s", judged(over and lasted_s <= SELF_TEST_S))]
    for part in pump.test_report().parts:
        remark = _TEST_REMARKS.get(part.result, "")
        rows.append(Row(part.name.replace("_", " "), part.result.replace("_", " "), remark, _TEST_WORDS[part.result]))
    return Step("Self-test", tuple(rows))


def sensor_zero(visit: Visit) -> Step:
    """Mean and noise of the pressure with the line open to air."""
    ready = visit.person.confirms("zero", "Open the line and hold its end level with the pump. Is it open?")
    if not ready:
        return Step("Pressure sensor at zero", (Row("Zero", "not measured", "the line was not opened", SKIPPED),))
    readings: list[int] = []
    for _ in range(ZERO_READINGS):
        pressure_pa = visit.pump.status().pressure_pa
        if pressure_pa is not None:
            readings.append(pressure_pa)
        visit.sleep(0.1)
    if len(readings) < ZERO_READINGS:
        told = f"{len(readings)} of {ZERO_READINGS}"
        return Step("Pressure sensor at zero", (Row("Valid readings", told, outcome=FAIL),))
    mean, spread = fmean(readings), pstdev(readings)
    zero, quiet = abs(mean) <= pa_of_mmhg(ZERO_MMHG), spread <= pa_of_mmhg(NOISE_MMHG)
    return Step(
        "Pressure sensor at zero",
        (
            Row("Zero", units.mmhg(round(mean)), f"within {ZERO_MMHG} mmHg", judged(zero)),
            Row("Noise", units.mmhg(round(spread)), f"at most {NOISE_MMHG} mmHg", judged(quiet)),
        ),
    )


def alarms(visit: Visit) -> Step:
    """Play each priority once; the person says whether sound and light were right."""
    rows: list[Row] = []
    for priority, (sound, light) in _SOUNDS.items():
        test = visit.pump.alarm_test(priority)
        visit.sleep(test.duration_ms / 1000 + 0.5)
        heard = visit.person.confirms(f"alarm_{priority}", f"{priority.upper()}: did you hear {sound}?")
        seen = visit.person.confirms(f"lamp_{priority}", f"{priority.upper()}: did you see the {light}?")
        rows.append(Row(f"{priority.upper()}, sound", _word(heard), sound, answered(heard)))
        rows.append(Row(f"{priority.upper()}, light", _word(seen), light, answered(seen)))
    return Step("Alarms", tuple(rows))


def at_the_end(visit: Visit) -> Step:
    """State and alarms of the pump at the end."""
    status = visit.pump.status()
    alarms = ", ".join(status.alarms)
    return Step(
        "State at the end",
        (
            Row("State", status.state, outcome=judged(status.state == "idle")),
            Row("Alarms", alarms or "none", outcome=judged(not alarms)),
            Row("Late turns of the loop", str(status.overruns), outcome=judged(status.overruns == 0)),
            Row("Free memory", f"{status.heap_free} bytes"),
            Row("Up since", f"{status.uptime_ms / 60000:.0f} min"),
        ),
    )


def _word(answer: bool | None) -> str:
    return "not asked" if answer is None else "yes" if answer else "no"
