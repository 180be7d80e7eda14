"""Days of therapy in virtual time: 72 h of chemotherapy, a week of antibiotics, a night of patient-controlled boluses.

From the files in regimens/, as a person would start them. Each also has a short form with the same rates: the same
phases, fewer and shorter.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from hil_tests.expect import LEAD_S, alarms_reported, step_pl
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure
from picoinfuse.regimen import Regimen, load_regimen
from picoinfuse.regimen.plan import plan

pytestmark = [pytest.mark.needs("capture", "virtual_time"), pytest.mark.timeout(300)]

REGIMENS = Path(__file__).parents[1] / "regimens"
HOUR_S = 3600
PIECE_S = 300  # per sleep: about a second of the stub's CPU
LOOKS = 150  # checks of the volume, over a therapy

CHEMOTHERAPY = [
    pytest.param({"180 mL": "1.25 mL", "72 h": "30 min"}, id="30 min"),
    pytest.param({}, id="72 h", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
]
ANTIBIOTIC = [
    pytest.param(
        {"2000 mg": "200 mg", "30 min": "3 min", "6 h": "10 min", "doses = 28": "doses = 3"}, id="3 doses of 28"
    ),
    pytest.param({}, id="a week", marks=[pytest.mark.week, pytest.mark.timeout(14_400)]),
]
PCA = [
    pytest.param({"8 min": "2 min"}, 0.5, id="30 min"),
    pytest.param({}, 10, id="a night", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
]


def load(bench: Bench, name: str, folder: Path, changes: Mapping[str, str]) -> Regimen:
    """Loads the file `name` with these texts replaced."""
    text = (REGIMENS / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return load_regimen(file, bench.profile)


def run(bench: Bench, regimen: Regimen, seconds: float) -> float:
    """Starts the regimen and lets time pass; returns when it began."""
    begun_s = bench.now()
    bench.pump.start_regimen(regimen.compiled)
    rest(bench, begun_s + seconds)
    return begun_s


def rest(bench: Bench, until_s: float) -> None:
    while (left_s := until_s - bench.now()) > 1e-6:  # time is in whole ns
        bench.sleep(min(left_s, PIECE_S))


def steps_s(bench: Bench, begun_s: float) -> np.ndarray:
    return bench.trace.edges("step", True, round(begun_s * 1e9)) / 1e9


def step_nl(bench: Bench) -> float:
    return float(step_pl(bench.profile)) / 1000


def measure_plan(bench: Bench, measure: Measure, regimen: Regimen, begun_s: float) -> None:
    """At all times the volume given equals the plan, to two steps and the granted motion."""
    planned = plan(regimen.compiled)
    made_s = steps_s(bench, begun_s) - begun_s
    fastest_nl_s = max(part.begin_ul_h for part in planned.parts) / 3.6
    for at_s in np.linspace(0, planned.lasts_s, LOOKS):
        off_nl = step_nl(bench) * float(np.searchsorted(made_s, at_s)) - planned.given_nl(at_s)
        by_nl = 2 * step_nl(bench) + fastest_nl_s * LEAD_S
        measure(f"given at {at_s:.0f} s against the plan", off_nl, unit="nL", near=0, by=by_nl, req="GIP-1.2")


@pytest.mark.requirement("GIP-1.2", "GIP-1.3")
@pytest.mark.parametrize("changes", CHEMOTHERAPY)
def test_a_chemotherapy(bench: Bench, measure: Measure, tmp_path: Path, changes: dict[str, str]) -> None:
    """2.5 mL/h, complete at its end to the step."""
    regimen = load(bench, "chemotherapy", tmp_path, changes)
    planned = plan(regimen.compiled)
    begun_s = run(bench, regimen, planned.lasts_s - 5)
    status = bench.pump.status()
    measure("state 5 s before the end", status.state, equal="infusing")
    measure("alarms before the end", status.alarms, equal=())
    measure("rate", status.target_ul_h, unit="µL/h", equal=2_500, req="GIP-1.1")
    bench.sleep(7)
    status = bench.pump.status()
    measure("state at the end", status.state, equal="idle")
    measure("alarms at the end", status.alarms, equal=("infusion_complete",))
    measure("late tasks", status.overruns, equal=0)
    measure("steps", status.steps_counted, equal=int(planned.volume_nl / step_nl(bench)))
    measure_plan(bench, measure, regimen, begun_s)


@pytest.mark.requirement("GIP-1.1", "GIP-1.2")
@pytest.mark.parametrize("changes", ANTIBIOTIC)
def test_antibiotics(bench: Bench, measure: Measure, tmp_path: Path, changes: dict[str, str]) -> None:
    """A dose at 100 mL/h each period, KVO at 1 mL/h in between and after the last."""
    regimen = load(bench, "antibiotic", tmp_path, changes)
    planned = plan(regimen.compiled)
    begun_s = run(bench, regimen, planned.lasts_s + 20)
    status = bench.pump.status()
    measure("state after the last dose", status.state, equal="infusing")
    measure("the vein is kept open", status.kvo, equal=True)
    measure("rate that keeps it open", status.target_ul_h, unit="µL/h", equal=1_000)
    measure("alarms", status.alarms, equal=("infusion_complete",))
    measure("late tasks", status.overruns, equal=0)
    measure_plan(bench, measure, regimen, begun_s)


@pytest.mark.requirement("PCA-2", "GIP-1.4")
@pytest.mark.parametrize(("changes", "hours"), PCA)
def test_boluses(bench: Bench, measure: Measure, tmp_path: Path, changes: dict[str, str], hours: float) -> None:
    """A patient who presses at random, sometimes repeatedly."""
    regimen = load(bench, "pca", tmp_path, changes)
    bolus = regimen.compiled["bolus"]
    chance = random.Random(bench.seed)
    begun_s = bench.now()
    bench.pump.start_regimen(regimen.compiled)
    given_s: list[float] = []
    refused: list[str] = []
    while bench.now() < begun_s + hours * HOUR_S:
        rest(bench, bench.now() + bolus["lockout_s"] * chance.choice([0.01, 0.1, 0.5, 1.9]))
        at_s = bench.now()
        reported = bench.pump.request_bolus()
        if reported.given:
            given_s.append(at_s)
        else:
            refused.append(str(reported.why))
    bench.sleep(60)
    therapy = bench.pump.therapy()
    assert therapy is not None
    measure("boluses given", therapy.given, equal=len(given_s))
    measure("boluses given in an hour", len(given_s) / hours, at_least=3)
    measure("refused in the lockout", refused.count("lockout"), above=0)
    measure("reasons of refusals", set(refused) - {"lockout", "running", "limit", "alarm"}, equal=set())
    measure("from one bolus to the next", np.diff(given_s).min(), unit="s", at_least=bolus["lockout_s"] - 0.1)
    # In any hour and any four hours the volume is within the order, except KVO at the limit: the
    # basal rate, 0.5 mL/h.
    made_s = steps_s(bench, begun_s)
    for span_s, most_nl in ((HOUR_S, bolus["max_1h_nl"]), (4 * HOUR_S, bolus["max_4h_nl"])):
        ends = np.searchsorted(made_s, made_s + span_s)
        flowed_nl = step_nl(bench) * float((ends - np.arange(len(made_s))).max())
        most_nl += 500_000 * span_s // HOUR_S
        measure(f"most in {span_s // HOUR_S} h", flowed_nl, unit="nL", at_most=most_nl)
    measure("alarms but that of the limit", set(bench.pump.active_alarms) - {"dose_limit"}, equal=set())
    if "limit" in refused:
        measure("alarms at the limit", len(alarms_reported(bench, "dose_limit")), above=0)
