"""The trumpet curve against a table worked by hand, against the mechanics' own limit, and on files of both kinds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from picoinfuse import cli
from picoinfuse.analysis.balance import BadLog, read_balance
from picoinfuse.analysis.bolus import TooFewBoluses, bolus_accuracy, bolus_volumes
from picoinfuse.analysis.deliveries import NothingDelivered, StepMissing, from_trace
from picoinfuse.analysis.trumpet import AMBULATORY, STANDARD, RateMissing, Scheme, TooShort, even_steps, trumpet
from picoinfuse.calibration.gravimetry import ml_per_gram
from picoinfuse.cli.trumpet import DensityMissing
from picoinfuse.profile import load_profile
from picoinfuse.report import trumpet_figure
from picoinfuse.trace.trace import Trace
from picoinfuse.trace.vcd import write_vcd

Numbers = NDArray[np.float64]
NEVER_TOO_SHORT_S = 1e9


def step_nl(profile: str) -> float:
    return load_profile(profile).world()["step_nl"]


def even(step: float, rate_ul_h: float, phase: float = 0.5) -> Callable[[Numbers], Numbers]:
    """The volume that perfectly even steps give; `phase` of a step is earned at the start."""
    return lambda t_s: np.floor(rate_ul_h / 3.6 * t_s / step + phase) * step


# The arithmetic

# Samples of 30 s, windows of 1 and 2 min, over an analysis period of 3 min that follows 1 min of settling.
SMALL = Scheme("small", 30, 240, 60, 180, (1, 2))
# µL/h of each sample at a set rate of 100: 8 samples, of which the last 6 are analysed.
FLOWS = (0, 50, 100, 110, 120, 90, 80, 100)


def test_the_curves_are_those_of_a_table_worked_by_hand() -> None:
    # Errors of samples 3 to 8: 0, 10, 20, -10, -20, 0 %.
    # P = 1 min, two samples: m = (180 - 60)/30 + 1 = 5 windows: 5, 15, 5, -15, -10        max +15, min -15
    # P = 2 min, four samples: m = (180 - 120)/30 + 1 = 3 windows: (0+10+20-10)/4 = 5, (10+20-10-20)/4 = 0,
    #                          (20-10-20+0)/4 = -2.5                                       max +5, min -2.5
    # A = (0 + 10 + 20 - 10 - 20 + 0)/6 = 0
    corners_nl = np.concatenate(([0.0], np.cumsum(np.array(FLOWS) / 3.6 * 30)))  # µL/h / 3.6 is nL/s
    curves = trumpet(lambda t_s: np.interp(t_s, np.arange(9) * 30.0, corners_nl), 240, 100, SMALL)
    assert [(w.minutes, w.highest_percent, w.lowest_percent) for w in curves.windows] == [
        (1, pytest.approx(15), pytest.approx(-15)),
        (2, pytest.approx(5), pytest.approx(-2.5)),
    ]
    assert curves.mean_error_percent == pytest.approx(0, abs=1e-9)
    assert curves.startup.rate_ul_h == pytest.approx(FLOWS)
    assert curves.limit == ()


def test_the_windows_are_those_of_the_standard() -> None:
    curves = trumpet(lambda t_s: t_s * 100, NEVER_TOO_SHORT_S, 360)
    assert [window.minutes for window in curves.windows] == [1, 2, 5, 11, 19, 31]
    assert len(curves.startup.rate_ul_h) == 240  # 120 min of 30 s
    assert all(abs(w.highest_percent) < 1e-9 and abs(w.lowest_percent) < 1e-9 for w in curves.windows)


def test_the_start_up_does_not_count_in_the_trumpet() -> None:
    # Nothing for 50 min, then the set rate: 100 nL/s are 360 µL/h.
    curves = trumpet(lambda t_s: np.maximum(0, t_s - 3000) * 100, 7200, 360)
    assert curves.startup.rate_ul_h[0] == 0
    assert curves.mean_error_percent == pytest.approx(0, abs=1e-9)
    assert curves.windows[0].lowest_percent == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("profile", "highest", "lowest"),
    [
        # 100 µL/h are 1666.7 nL a minute.
        # 349.94 nL a step: 4.763 steps a minute, so 4 or 5: 5/4.763 = 1.0498, 4/4.763 = 0.8398
        ("syringe-50ml", 4.98, -16.02),
        # 103.21 nL: 16.149, so 16 or 17: 17/16.149 = 1.0527, 16/16.149 = 0.9908
        ("syringe-10ml", 5.27, -0.92),
        # 13.033 nL: 127.88, so 127 or 128: 128/127.88 = 1.0009, 127/127.88 = 0.9931
        ("syringe-50ml-geared", 0.09, -0.69),
    ],
)
def test_perfectly_even_steps_at_a_tenth_of_a_millilitre_an_hour_err_as_the_mechanics_table_says(
    profile: str, highest: float, lowest: float
) -> None:
    limit = even_steps(step_nl(profile), 100, 1)
    assert limit.highest_percent == pytest.approx(highest, abs=0.01)
    assert limit.lowest_percent == pytest.approx(lowest, abs=0.01)
    # The 119 windows of the second hour meet both numbers of steps: the curve is the limit itself.
    curves = trumpet(even(step_nl(profile), 100), NEVER_TOO_SHORT_S, 100, step_nl=step_nl(profile))
    assert curves.windows[0].highest_percent == pytest.approx(limit.highest_percent, abs=1e-6)
    assert curves.windows[0].lowest_percent == pytest.approx(limit.lowest_percent, abs=1e-6)


@given(st.floats(10, 1000), st.floats(10, 1_000_000), st.floats(0, 0.999))
def test_no_phase_of_even_steps_leaves_their_limit(step: float, rate_ul_h: float, phase: float) -> None:
    curves = trumpet(even(step, rate_ul_h, phase), NEVER_TOO_SHORT_S, rate_ul_h, step_nl=step)
    # One step more or less where a step falls on the edge of a window: it is inside by rounding alone.
    slack = 1e-5
    for window, limit in zip(curves.windows, curves.limit, strict=True):
        assert window.highest_percent <= limit.highest_percent + slack + _edge(step, rate_ul_h, window.minutes)
        assert window.lowest_percent >= limit.lowest_percent - slack - _edge(step, rate_ul_h, window.minutes)


def _edge(step: float, rate_ul_h: float, minutes: int) -> float:
    """One step in % of a window, where the window holds a whole number of steps but for rounding: `even_steps` takes
    1e-9 of them for none.
    """
    steps = rate_ul_h / 3.6 * minutes * 60 / step
    return 100 / steps if abs(steps - round(steps)) < 1e-6 + steps * 1.01e-9 else 0.0


def test_a_whole_number_of_steps_in_a_window_has_no_limit_at_all() -> None:
    window = even_steps(100, 360, 1)  # 100 nL/s, one step a second, 60 in a minute
    assert (window.highest_percent, window.lowest_percent) == (pytest.approx(0), pytest.approx(0))


def test_a_window_that_can_be_without_a_step_errs_by_100_percent() -> None:
    assert even_steps(350, 10, 1).lowest_percent == -100  # a step every 126 s


def test_the_ambulatory_curves_have_their_own_windows() -> None:
    curves = trumpet(lambda t_s: t_s * 101, NEVER_TOO_SHORT_S, 360, AMBULATORY)
    assert [window.minutes for window in curves.windows] == [15, 60, 150, 330, 570, 930]
    assert len(curves.startup.rate_ul_h) == 100  # 25 h of 15 min
    assert curves.mean_error_percent == pytest.approx(1)


@pytest.mark.parametrize(("scheme", "needs"), [(STANDARD, 120), (AMBULATORY, 1500)])
def test_the_error_for_a_short_delivery_names_the_length_it_needs(scheme: Scheme, needs: int) -> None:
    with pytest.raises(TooShort, match=rf"lasted 119\.9 min .* need {needs} min"):
        trumpet(lambda t_s: t_s, 7194, 100, scheme)


# Boluses


def test_bolus_accuracy_is_the_mean_and_the_extremes() -> None:
    # 23 of 30 µL, one of 33 (+10 %) and one of 24 (-20 %): mean (23*30 + 33 + 24)/25 = 29.88, -0.4 %
    accuracy = bolus_accuracy([30_000.0] * 23 + [33_000.0, 24_000.0], 30_000)
    assert accuracy.mean_nl == pytest.approx(29_880)
    assert accuracy.mean_percent == pytest.approx(-0.4)
    assert (accuracy.highest_percent, accuracy.lowest_percent) == (pytest.approx(10), pytest.approx(-20))


def test_fewer_than_25_boluses_are_not_judged() -> None:
    with pytest.raises(TooFewBoluses, match="there are 24 boluses, 25 are needed"):
        bolus_accuracy([1.0] * 24, 1)


def test_boluses_are_separated_by_the_rest_between_them() -> None:
    trace = Trace()
    for k in range(25):
        trace.pulses("step", k * 60 * 10**9, 10**7, 10**6, 100 + k % 2)
    assert bolus_volumes(trace, 300) == [30_000.0 if k % 2 == 0 else 30_300.0 for k in range(25)]


# Traces


def a_trace(rate_hz: int, seconds: int, start_s: int = 10) -> Trace:
    """Enable goes high at boot, ten steps of a self-test, low at the start, then even steps."""
    trace = Trace()
    trace.level("enable", 0, 1)
    trace.pulses("step", 10**8, 10**6, 2000, 10)
    trace.level("enable", start_s * 10**9, 0)
    trace.pulses("step", start_s * 10**9 + 10**9 // rate_hz, 10**9 // rate_hz, 2000, rate_hz * seconds)
    trace.extend_to((start_s + seconds) * 10**9)
    return trace


def test_a_trace_of_steps_counts_from_the_enable_on() -> None:
    delivery = from_trace(a_trace(4, 7200), 350)
    assert delivery.start_s == 10
    assert delivery.lasted_s == pytest.approx(7200, abs=1e-5)  # the last pulse falls 2 µs later
    # 4 steps a second of 350 nL are 1400 nL/s = 5040 µL/h; a step on the edge of a window counts in the next
    curves = trumpet(delivery.volume, delivery.lasted_s, 5040, step_nl=350)
    assert curves.mean_error_percent == pytest.approx(0, abs=1e-6)
    assert delivery.volume(np.array([100.0]))[0] == pytest.approx(100 * 1400, abs=350)


def test_a_recorded_volume_is_believed_before_the_steps() -> None:
    trace = a_trace(4, 100)
    trace.real("delivered_nl", 10 * 10**9, 0.0)
    trace.real("delivered_nl", 50 * 10**9, 777.0)
    assert from_trace(trace, 350).volume(np.array([60.0]))[0] == 777


def test_a_trace_without_a_volume_needs_the_profile() -> None:
    with pytest.raises(StepMissing, match="profile"):
        from_trace(a_trace(4, 100), None)
    with pytest.raises(NothingDelivered):
        from_trace(Trace(), 350)


# Balances


@pytest.fixture
def log(tmp_path: Path) -> Callable[[str], Path]:
    def log(text: str) -> Path:
        path = tmp_path / "balance.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return log


Log = Callable[[str], Path]


def test_grams_become_volume_by_density_and_evaporation(log: Log) -> None:
    path = log("time_s,grams\n100,50.0\n1900,51.0\n\n3700,52.0\n")
    read = read_balance(path, 1.0, 0.1)
    # In 1 h 2.0 g came and 0.1 g had gone: 2.1 g, times (1 - 0.0012/8)/(1 - 0.0012) = 1.0010513 mL/g
    assert read.given_nl[-1] == pytest.approx(2.1e6 * ml_per_gram(1.0))
    assert ml_per_gram(1.0) == pytest.approx(1.0010513, abs=1e-7)
    assert read.lasted_s == 3600
    assert read.volume(np.array([900.0]))[0] == pytest.approx(1.05e6 * ml_per_gram(1.0) / 2)


def test_a_log_may_begin_before_the_infusion(log: Log) -> None:
    read = read_balance(log("0,1\n10,1\n20,2\n30,3\n"), 1.0, 0.0, start_s=15)
    assert read.lasted_s == 15
    # Between 10 s and 20 s a gram: half of it after the start; and one more
    assert read.given_nl[-1] == pytest.approx(1.5e6 * ml_per_gram(1.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,grams\n0,1\n30,1.1,2\n", r"balance.csv:3: 3 fields, there must be two: time in s, grams"),
        ("0,1\n30\n", r"balance.csv:2: 1 fields"),
        ("0,1\n30,x\n", r"balance.csv:2: 'x' is not a number"),
        ("0,1\n,2\n", r"balance.csv:2: '' is not a number"),
        ("0,1\n30,nan\n", r"balance.csv:2: 'nan' is not a number"),
        ("0,1\n30,1.1\n29,1.2\n", r"balance.csv:3: time goes from 30 s back to 29 s"),
        ("0,1\n30,1.1\n30,1.2\n", r"balance.csv:3: time goes from 30 s back to 30 s"),
        ("", "0 readings, at least two"),
        ("time_s,grams\n0,1\n", "1 readings, at least two"),
        ("time,weight\nx,grams\n", r"balance.csv:2: 'x' is not a number"),
        ("0;1\n30;2\n", r"balance.csv:2: 1 fields"),
    ],
)
def test_a_malformed_log_is_reported_with_its_line(log: Log, text: str, message: str) -> None:
    with pytest.raises(BadLog, match=message):
        read_balance(log(text), 1.0, 0.0)


def test_a_log_that_is_not_text_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "balance.csv"
    path.write_bytes(b"0,1\n\xff\xfe,2\n")
    with pytest.raises(BadLog, match="not a CSV file"):
        read_balance(path, 1.0, 0.0)


def test_a_start_outside_of_the_log_is_refused(log: Log) -> None:
    with pytest.raises(BadLog, match="a start at 40 s is not in it"):
        read_balance(log("0,1\n30,2\n"), 1.0, 0.0, start_s=40)


# The command


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli.app, ["trumpet", *arguments])

    return run


@pytest.fixture(scope="module")
def vcd(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("trace") / "two-hours.vcd"
    write_vcd(a_trace(4, 7200), path)
    return str(path)


def test_a_trace_becomes_a_table(run: Callable[..., Any], vcd: str) -> None:
    # 4 Hz of 349.939 nL are 1399.76 nL/s = 5.03912 mL/h: 0.782 % above the 5 mL/h that were set.
    done = run(vcd, "--rate", "5", "--profile", "syringe-50ml")
    assert done.exit_code == 0, done.output
    assert "+0.782 %" in done.output
    assert "31 min" in done.output
    assert "even steps" in done.output


def test_a_trace_becomes_json_and_pictures(run: Callable[..., Any], vcd: str, tmp_path: Path) -> None:
    svg, png = tmp_path / "t.svg", tmp_path / "t.png"
    options = ("--profile", "syringe-50ml", "--svg", str(svg), "--png", str(png), "--json")
    told = json.loads(run(vcd, "--rate", "5", *options).output)
    assert [window["minutes"] for window in told["windows"]] == [1, 2, 5, 11, 19, 31]
    assert len(told["startup_ul_h"]) == 240
    assert len(told["even_steps"]) == 6
    first = svg.read_bytes()
    assert b"<svg" in first
    assert b"perfectly even steps" in first
    assert png.read_bytes().startswith(b"\x89PNG")
    run(vcd, "--rate", "5", *options)
    assert svg.read_bytes() == first


def test_a_calibrated_pump_has_calibrated_steps(run: Callable[..., Any], vcd: str) -> None:
    told = [
        json.loads(run(vcd, "--rate", "5", "--profile", "syringe-50ml", "--factor", factor, "--json").output)
        for factor in ("1", "11/10")
    ]
    plain, calibrated = (100 + values["mean_error_percent"] for values in told)
    assert calibrated == pytest.approx(1.1 * plain)


def test_a_log_of_25_boluses_is_judged(run: Callable[..., Any], log: Log) -> None:
    rows = "".join(f"{60 * k},{0.03 * k:.4f}\n" for k in range(26))
    told = json.loads(run(str(log(rows)), "--bolus", "0.03", "--temperature", "20", "--json").output)
    assert told["boluses"] == 25
    assert told["mean_percent"] == pytest.approx(0.285, abs=0.001)  # 1.00285 mL/g


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ((), RateMissing, "--rate 5"),
        (("--rate", "5"), StepMissing, "profile"),
        (("--rate", "5", "--profile", "syringe-50ml", "--ambulatory"), TooShort, "need 1500 min"),
        (("--bolus", "1"), StepMissing, "profile"),
        (("--bolus", "1", "--profile", "syringe-50ml"), TooFewBoluses, "there are 1 boluses"),
    ],
)
def test_a_missing_option_is_one_sentence(
    run: Callable[..., Any], vcd: str, options: tuple[str, ...], error: type[Exception], message: str
) -> None:
    done = run(vcd, *options)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)


def test_a_balance_without_a_density_is_refused(run: Callable[..., Any], log: Log) -> None:
    assert isinstance(run(str(log("0,1\n7200,2\n")), "--rate", "5").exception, DensityMissing)


def test_a_picture_without_a_known_step_has_no_limit_in_it(tmp_path: Path) -> None:
    trumpet_figure.save(trumpet(lambda t_s: t_s * 100, 7200, 360), tmp_path / "plain.svg", "plain")
    assert b"perfectly even steps" not in (tmp_path / "plain.svg").read_bytes()
