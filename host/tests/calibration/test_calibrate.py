"""`picoinfuse calibrate`: from readings to a factor with its confidence, and the way there with a pump in software."""

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from picoinfuse import cli
from picoinfuse.bench.stub import StubBench
from picoinfuse.calibration.factor import (
    Collected,
    FactorOutOfBounds,
    NoFactor,
    TooFewRuns,
    TooManyRuns,
    find,
    parse_factor,
)
from picoinfuse.calibration.gravimetry import BadMeasurement, ml_per_gram, water_g_ml
from picoinfuse.cli import calibrate, collect
from picoinfuse.client.frame import FROM_PUMP_BYTES, encode
from picoinfuse.deploy.mpremote import run_mpremote
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")
TRUE_STEP_NL = PROFILE.world()["step_nl"] * 1.03  # a barrel 3 % larger than the profile says


# Arithmetic


def test_the_error_its_interval_and_the_factor_are_those_of_a_hand_worked_table() -> None:
    # reported 5 mL each; collected 5.10, 5.15, 5.20 mL: errors 2, 3, 4 %. Mean 3 %, standard deviation
    # sqrt((1 + 0 + 1) / 2) = 1 %, t for 2 degrees of freedom 4.303: 4.303 * 1 / sqrt(3) = 2.4843 %.
    found = find([Collected(5_000_000, nl) for nl in (5_100_000, 5_150_000, 5_200_000)], Fraction(1))
    assert found.error_percent == pytest.approx(3)
    assert found.interval_percent == pytest.approx(2.4843, abs=1e-4)
    assert found.factor == Fraction(103, 100)
    assert found.is_significant


def test_a_factor_in_force_is_corrected_not_replaced() -> None:
    # 2 % too much under 21/20: 1.05 * 1.02 = 1.071
    found = find([Collected(1_000_000, 1_020_000)] * 3, Fraction(21, 20))
    assert found.factor == Fraction(1071, 1000)
    assert found.interval_percent == 0


def test_an_error_within_its_own_uncertainty_is_said_to_be() -> None:
    assert not find([Collected(1000, 990), Collected(1000, 1000), Collected(1000, 1012)], Fraction(1)).is_significant


@given(st.floats(0.901, 1.099))
def test_the_factor_is_right_to_half_a_thousandth_and_fits_the_pump(ratio: float) -> None:
    factor = find([Collected(10**9, ratio * 10**9)] * 3, Fraction(1)).factor
    assert factor.denominator <= 1000
    assert abs(float(factor) - ratio) <= 0.0005 + 1e-9


@pytest.mark.parametrize("runs", [0, 2])
def test_fewer_than_three_runs_have_no_confidence(runs: int) -> None:
    with pytest.raises(TooFewRuns, match=f"there are {runs} runs, at least 3"):
        find([Collected(1000, 1000)] * runs, Fraction(1))


def test_more_runs_than_the_table_has_are_refused() -> None:
    with pytest.raises(TooManyRuns, match="at most 31"):
        find([Collected(1000, 1000)] * 32, Fraction(1))


@pytest.mark.parametrize("text", ["1101/1000", "0.89", "2", "-1", "1031/1001"])
def test_a_factor_beyond_the_limit_is_refused_with_the_limit(text: str) -> None:
    with pytest.raises(FactorOutOfBounds, match=r"at most (±10 %|1000)"):
        parse_factor(text)


@pytest.mark.parametrize("text", ["", "x", "1/0", "1,03", "nan"])
def test_an_invalid_factor_is_reported(text: str) -> None:
    with pytest.raises(NoFactor, match="give a ratio such as"):
        parse_factor(text)


@pytest.mark.parametrize(
    ("temperature_c", "density", "ml"),
    # Densities: Tanaka 2001. ISO 8655-6 gives Z = 1.0029 mL/g at 20 °C, 1.0040 at 25 °C and 1.0020 at 15 °C, 1013 hPa.
    [(4, 0.999975, None), (15, 0.999103, 1.0020), (20, 0.998207, 1.0029), (25, 0.997047, 1.0040)],
)
def test_water_is_as_dense_as_the_tables_say(temperature_c: float, density: float, ml: float | None) -> None:
    assert water_g_ml(temperature_c) == pytest.approx(density, abs=2e-6)
    if ml is not None:
        assert ml_per_gram(water_g_ml(temperature_c)) == pytest.approx(ml, abs=5.1e-5)


@pytest.mark.parametrize("wrong", [lambda: water_g_ml(0.5), lambda: water_g_ml(68), lambda: ml_per_gram(998.2)])
def test_a_temperature_or_density_out_of_range_is_refused(wrong: Callable[[], float]) -> None:
    with pytest.raises(BadMeasurement, match="supported are"):
        wrong()


# With a pump


@pytest.fixture
def bench() -> Iterator[StubBench]:
    """A pump whose syringe gives 3 % more than its profile says."""
    with StubBench(PROFILE, world={"step_nl": TRUE_STEP_NL}) as bench:
        yield bench


Run = Callable[..., Result]


@pytest.fixture
def run(bench: StubBench, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with what a person types; time passes on the bench."""
    monkeypatch.setattr(calibrate, "open_pump", lambda port: nullcontext(bench.pump))
    monkeypatch.setattr(collect, "sleep", lambda seconds: bench.sleep(20 * seconds))

    def run(*arguments: str, typed: str = "") -> Result:
        result = CliRunner().invoke(cli.app, ["calibrate", *arguments], input=typed)
        bench.sleep(1)  # the self-test, where the pump was reset
        return result

    return run


def true_ml(bench: StubBench, rate_ul_h: int, volume_nl: int) -> float:
    """Infuses, and what came out of the syringe."""
    start_nl = bench.trace.value_at("delivered_nl", round(bench.now() * 1e9))
    bench.pump.start(rate_ul_h, volume_nl)
    bench.sleep(volume_nl / rate_ul_h * 3.6 + 5)
    assert bench.pump.status().state == "idle"
    bench.pump.clear_alarms()
    return (bench.trace.value_at("delivered_nl", round(bench.now() * 1e9)) - start_nl) / 1e6


def test_a_syringe_that_is_3_percent_larger_gives_what_was_asked_for_after_a_calibration(
    bench: StubBench, run: Run
) -> None:
    assert true_ml(bench, 360_000, 5_000_000) == pytest.approx(5.15, abs=0.001)
    # 5.15 mL of water at 20 °C weigh 5.15 / 1.00285 = 5.1354 g on a balance in air. Readings to 10 mg, three times.
    typed = "\n5.135\n\n5.13\n\n5.14\ny\n"
    done = run("--rate", "360", "--temperature", "20", "--operator", "A. Tester", "--date", "2026-11-22", typed=typed)
    assert done.exit_code == 0, done.output
    # Errors 2.99, 2.89, 3.09 %: 2.99 ± 4.303 * 0.1 / sqrt(3) = 0.25 %
    assert "+2.99 ± 0.25 %" in done.output
    assert "stored: the calibration is " in done.output
    told = bench.pump.calibration()
    assert told.factor is not None
    assert float(Fraction(told.factor)) == pytest.approx(1.0299, abs=0.0005)
    assert [entry.operator for entry in told.entries] == ["A. Tester"]
    assert true_ml(bench, 360_000, 5_000_000) == pytest.approx(5.0, abs=0.003)  # 0.05 % of resolution, and a step


def test_by_volume_with_more_runs_and_a_mistyped_reading(bench: StubBench, run: Run) -> None:
    typed = "\n51.5\n5.15\n\n5.15\n\n5.14\nm\n\n5.16\nyes\nA. Tester\n"
    done = run("--by", "volume", "--rate", "360", typed=typed)
    assert done.exit_code == 0, done.output
    assert "51.5 mL is +930 % off: enter it again" in done.output
    assert "Run 4" in done.output
    assert bench.pump.calibration().factor == "103/100"


def test_a_finding_that_is_declined_is_not_stored(bench: StubBench, run: Run) -> None:
    done = run("--by", "volume", "--rate", "360", typed="\n5.15\n\n5.15\n\n5.15\nn\n")
    assert done.exit_code == 1
    assert "nothing was stored" in done.output
    assert bench.pump.calibration().entries == ()


def test_an_error_beyond_the_limit_is_refused_before_it_is_stored(bench: StubBench, run: Run) -> None:
    done = run("--by", "volume", "--rate", "360", typed="\n5.6\n\n5.6\n\n5.6\ny\n")
    assert isinstance(done.exception, FactorOutOfBounds)
    assert "at most ±10 %" in str(done.exception)
    assert bench.pump.status().state == "idle"


def test_a_run_ended_by_an_alarm_does_not_count_and_is_reported(bench: StubBench, run: Run) -> None:
    bench.occlude(True)
    done = run("--by", "volume", "--rate", "360", typed="\n5.15\n")
    assert isinstance(done.exception, collect.RunStopped)
    assert "alarm stopped, its alarms: occlusion" in str(done.exception)


def test_a_factor_is_set_shown_and_taken_back(bench: StubBench, run: Run) -> None:
    assert "not calibrated" in run("--show").output
    assert run("--factor", "1031/1000", "--operator", "B", "--date", "2026-11-22").exit_code == 0
    done = run("--show")
    assert done.exception is None, done.exception
    shown = done.output
    assert "in force" in shown
    assert "1031/1000" in shown
    assert "+3.10 %" in shown
    told: dict[str, Any] = json.loads(run("--show", "--json").output)
    assert told["entries"] == [{"num": 1031, "den": 1000, "date": "2026-11-22", "operator": "B"}]
    undone = run("--undo")
    assert "none, factor 1/1" in undone.output
    assert bench.pump.status().calibration == "1/1"


@pytest.mark.parametrize(
    "arguments", [("--show", "--undo"), ("--by", "eye"), ("--date", "22.11.2026"), ("--runs", "2"), ("--rate", "fast")]
)
def test_a_wrong_call_moves_nothing(bench: StubBench, run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert bench.pump.status().steps_commanded == 0


def put_calibration(bench: StubBench, data: bytes) -> None:
    """A file on the pump, by way of its MicroPython prompt."""
    port = bench.port
    bench.pump.service()
    assert bench.pump.link.wait_for_prompt(20)
    write = f"f=open('/calibration.json','wb');f.write({data!r});f.close()"
    run_mpremote(["connect", port, "exec", write, "reset"], lambda line: None)
    bench.grant_time()
    bench.pump.reconnect()
    bench.sleep(1)


STEP_PL = PROFILE.compiled()["mechanics"]["step_pl"]
ENTRY = {"num": 103, "den": 100, "date": "2026-11-22", "operator": "A"}
KEPT = {"format": 1, "profile": PROFILE.name, "step_pl": STEP_PL, "entries": [ENTRY]}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (encode(KEPT, FROM_PUMP_BYTES).replace(b"103", b"104"), "corrupt"),
        (encode({**KEPT, "profile": "syringe-10ml"}, FROM_PUMP_BYTES), "other_profile"),
        (encode({**KEPT, "entries": [{**ENTRY, "num": 120}]}, FROM_PUMP_BYTES), "out_of_range"),
    ],
    ids=["corrupt", "other profile", "out of range"],
)
def test_an_invalid_calibration_stops_the_pump_until_a_factor_is_stored(
    bench: StubBench, run: Run, data: bytes, why: str
) -> None:
    put_calibration(bench, data)
    status = bench.pump.status()
    assert (status.state, status.alarms, status.calibration) == ("fault", ("calibration_fault",), None)
    assert bench.pump.alarms().active[0].priority == "high"
    told = bench.pump.calibration()
    assert told.fault is not None
    assert told.fault.startswith(why)
    assert "no valid calibration" in run("--show").output
    assert isinstance(run(typed="20\n").exception, collect.NoCalibration)
    with pytest.raises(Exception, match="wrong_state"):
        bench.pump.start(5000)

    assert run("--factor", "103/100", "--operator", "A").exit_code == 0
    status = bench.pump.status()
    assert (status.state, status.alarms, status.calibration) == ("idle", (), "103/100")


def test_a_whole_calibration_file_is_taken_at_boot(bench: StubBench) -> None:
    put_calibration(bench, encode(KEPT, FROM_PUMP_BYTES))
    assert bench.pump.status().calibration == "103/100"
