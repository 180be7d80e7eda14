"""Profiles: the boards are right, and every mistake is named with its line."""

import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.client.frame import decode
from picoinfuse.common.errors import ProfileError, ProfileNotFound
from picoinfuse.profile import load_profile, profile_names
from picoinfuse.profile.compile import step_pl_exact, step_pl_ratio

RIGHT = """\
name = "bench-1"
description = "for tests"

[wiring]
step = 2
dir = 3
enable = 4
piezo = 6
lamp_red = 10
lamp_yellow = 11
pressure = 26
strap = 22

[mechanics]
kind = "syringe"
diameter_mm = 26.7
lead_mm = 2.0
full_steps = 200
microsteps = 16
gear = [1, 1]
min_rate_ul_h = 10
max_rate_ul_h = 1200000
start_hz = 400
accel_hz_s = 4000
reverse = false

[sensor]
offset_mv = 500
pa_per_mv = 60
open_mv = 3200
short_mv = 100

[occlusion]
low_mmhg = 250
medium_mmhg = 517
high_mmhg = 775
persistence_ms = 500
default = "medium"
compliance_ml_per_bar = 1.437
retract_max_ul = 2500
retract_ul_h = 500000
retract_to_mmhg = 10
auto_restarts = 0

[alarms]
escalate_s = 120

[reservoir]
capacity_ul = 50000
low_ul = 1000
empty_ul = 500
near_empty_min = 30
harmful_near_empty_min = 120
must_be_told = false

[library]
required = false

[therapy]
kvo_ul_h = 1000

[world]
compliance_ml_per_bar = 1.437
resistance_kpa_per_ml_h = 0.025
stall_kpa = 200
sensor_noise_mv = 1.5
"""
STEP, PIEZO, PRESSURE, MECHANICS = 5, 8, 11, 14
LINES = RIGHT.splitlines()


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(LINES, start=1) if line.startswith(text))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "bench.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def mistakes_of(file: Path) -> list[tuple[str, int]]:
    with pytest.raises(ProfileError) as error:
        load_profile(file)
    return [(mistake.name, mistake.line) for mistake in error.value.mistakes]


MISTAKES = [
    # what stands there, what is put in its place, the mistake, whose line it is
    ("step = 2", "stepp = 2\nstep = 2", "unknown_key", STEP),
    ("name = ", 'colour = "red"\nname = ', "unknown_key", 1),
    ("[sensor]", "[sensors]\n[sensor]", "unknown_key", line_of("[sensor]")),
    ("lead_mm = 2.0\n", "", "missing_key", MECHANICS),
    ('name = "bench-1"\n', "", "missing_key", 1),
    ("full_steps = 200", "full_steps = 200.5", "wrong_type", line_of("full_steps")),
    ("full_steps = 200", "full_steps = true", "wrong_type", line_of("full_steps")),
    ("reverse = false", "reverse = 0", "wrong_type", line_of("reverse")),
    ("gear = [1, 1]", "gear = [1]", "wrong_type", line_of("gear")),
    ("gear = [1, 1]", "gear = 26.85", "wrong_type", line_of("gear")),
    ("gear = [1, 1]", "gear = [0, 1]", "out_of_range", line_of("gear")),
    ('name = "bench-1"', 'name = "Bench 1"', "out_of_range", 1),
    ('kind = "syringe"', 'kind = "gravity"', "out_of_range", line_of("kind")),
    ('kind = "syringe"', 'kind = "peristaltic"\nul_per_turn = 100', "unknown_key", line_of("diameter_mm") + 1),
    ("microsteps = 16", "microsteps = 512", "out_of_range", line_of("microsteps")),
    ("diameter_mm = 26.7", "diameter_mm = nan", "out_of_range", line_of("diameter_mm")),
    ("max_rate_ul_h = 1200000", "max_rate_ul_h = 1200001", "out_of_range", line_of("max_rate")),
    ('default = "medium"', 'default = "middle"', "out_of_range", line_of("default")),
    ("dir = 3", "dir = 2", "pin_used_twice", STEP + 1),
    ("step = 2", "step = 25", "no_such_pin", STEP),
    ("piezo = 6", "piezo = 12", "piezo_pin", PIEZO),
    ("pressure = 26", "pressure = 15", "adc_pin", PRESSURE),
    ("low_mmhg = 250", "low_mmhg = 517", "limit_order", line_of("medium_mmhg")),
    ("high_mmhg = 775", "high_mmhg = 500", "limit_order", line_of("high_mmhg")),
    ("high_mmhg = 775", "high_mmhg = 1035", "out_of_range", line_of("high_mmhg")),
    # (3200 - 500) mV * 38 Pa/mV = 102.6 kPa, 775 mmHg are 103.3 kPa
    ("pa_per_mv = 60", "pa_per_mv = 38", "sensor_range", line_of("high_mmhg")),
    ("short_mv = 100", "short_mv = 500", "sensor_range", line_of("offset_mv")),
    ("low_mmhg = 250", "low_mmhg = 20", "limit_order", line_of("retract_to_mmhg")),
    ("retract_ul_h = 500000", "retract_ul_h = 9", "rate_order", line_of("retract_ul_h")),
    ("auto_restarts = 0", "auto_restarts = 10", "out_of_range", line_of("auto_restarts")),
    ("min_rate_ul_h = 10", "min_rate_ul_h = 1200000", "rate_order", line_of("min_rate")),
    # 268.5 times 953 steps/s are 256 kHz
    ("gear = [1, 1]", "gear = [537, 2]", "step_rate", line_of("max_rate")),
    # from 400 to 953 steps/s at 50 Hz/s takes 11 s
    ("accel_hz_s = 4000", "accel_hz_s = 50", "ramp", line_of("accel_hz_s")),
    ("reverse = false", "resonance_hz = [700, 600]\nreverse = false", "resonance", line_of("reverse")),
    ("reverse = false", "resonance_hz = [399, 401]\nreverse = false", "resonance", line_of("reverse")),
    ("reverse = false", "resonance_hz = [500]\nreverse = false", "wrong_type", line_of("reverse")),
    ("reverse = false", "resonance_hz = [0, 300]\nreverse = false", "out_of_range", line_of("reverse")),
    # the retraction's 500000 µL/h are 397 steps/s
    ("reverse = false", "resonance_hz = [390, 398]\nreverse = false", "resonance", line_of("retract_ul_h") + 1),
    # 100 mm, 50 mm a turn, 4 steps: 98 mL a step
    (
        "diameter_mm = 26.7\nlead_mm = 2.0\nfull_steps = 200\nmicrosteps = 16",
        "diameter_mm = 100\nlead_mm = 50\nfull_steps = 4\nmicrosteps = 1",
        "step_volume",
        line_of("microsteps"),
    ),
    ("step = 2", "step = ", "syntax", STEP),
]


@pytest.mark.parametrize(("old", "new", "name", "line"), MISTAKES, ids=[f"{m[2]}: {m[1][:20]!r}" for m in MISTAKES])
def test_a_mistake_is_named_with_its_line(
    write: Callable[[str], Path], old: str, new: str, name: str, line: int
) -> None:
    assert RIGHT.count(old) == 1
    assert (name, line) in mistakes_of(write(RIGHT.replace(old, new)))


def test_all_errors_are_reported_in_the_order_of_lines(write: Callable[[str], Path]) -> None:
    text = RIGHT.replace("dir = 3", "dir = 2").replace("lead_mm = 2.0", "lead_mm = 0")
    text = text.replace("high_mmhg = 775", "high_mmhg = 100").replace("stall_kpa", "stal_kpa")
    assert mistakes_of(write(text)) == [
        ("pin_used_twice", STEP + 1),
        ("out_of_range", line_of("lead_mm")),
        ("limit_order", line_of("high_mmhg")),
        ("missing_key", line_of("[world]")),
        ("unknown_key", line_of("stall_kpa")),
    ]


def test_the_message_names_file_line_and_limit(write: Callable[[str], Path]) -> None:
    file = write(RIGHT.replace("gear = [1, 1]", "gear = [537, 1]"))
    with pytest.raises(ProfileError) as error:
        load_profile(file)
    assert f"{file}:{line_of('max_rate')}: " in str(error.value)
    assert "200000 can be made" in str(error.value)
    assert error.value.line == line_of("max_rate")


def test_a_missing_table_is_reported_once(write: Callable[[str], Path]) -> None:
    assert mistakes_of(write(RIGHT[: RIGHT.index("[world]")])) == [("missing_key", 1)]


def test_a_value_instead_of_a_table_is_a_mistake(write: Callable[[str], Path]) -> None:
    text = "world = 3\n" + RIGHT[: RIGHT.index("[world]")]
    assert mistakes_of(write(text)) == [("wrong_type", 1)]


def test_keys_in_texts_and_comments_do_not_mislead(write: Callable[[str], Path]) -> None:
    text = RIGHT.replace('"for tests"', '"""\n[wiring]\nstep = 1\n"""').replace("step = 2", "# step = 7\nstep = 25")
    # three more lines by the text, one by the comment
    assert mistakes_of(write(text)) == [("no_such_pin", STEP + 4)]


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_bytes(b"\xff\xfe")
    assert mistakes_of(file) == [("syntax", 1)]


@pytest.mark.parametrize("name", ["no-such-bench", "/no/such/file.toml"])
def test_a_profile_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ProfileNotFound, match=r"no-such-bench|/no/such/file.toml"):
        load_profile(name)


def test_the_volume_of_a_step_is_that_of_the_geometry(write: Callable[[str], Path]) -> None:
    compiled = load_profile(write(RIGHT)).compiled()
    numerator, denominator = compiled["mechanics"]["step_pl"]
    # pi/4 * 26.7² mm² * 2 mm / 3200 steps = 0.34994 mm³ = 349,939 pL; the ratio may be off by 1 in a million
    assert numerator / denominator == pytest.approx(math.pi / 4 * 26.7**2 * 2 / 3200 * 1e6, rel=1e-6)
    assert denominator <= 256


@given(
    st.floats(4, 50).map(lambda d: round(d, 2)),
    st.sampled_from([(1, 1), (537, 20), (3, 1)]),
    st.sampled_from([1, 8, 16, 32]),
)
def test_a_ratio_is_within_a_millionth(diameter_mm: float, gear: tuple[int, int], microsteps: int) -> None:
    """The nearest ratio with a denominator up to 256 is at most 1/512 pL off (a step of 2 nL and more: below 1e-6)."""
    mechanics = {
        "kind": "syringe",
        "diameter_mm": diameter_mm,
        "lead_mm": 20.0,
        "full_steps": 200,
        "microsteps": microsteps,
        "gear": list(gear),
    }
    exact, ratio = step_pl_exact(mechanics), step_pl_ratio(mechanics)
    assert abs(ratio - exact) <= 1 / 512
    assert exact < 2000 or abs(ratio - exact) < exact / 1_000_000


def test_a_gearbox_divides_the_volume_of_a_step(write: Callable[[str], Path]) -> None:
    text = RIGHT.replace("gear = [1, 1]", "gear = [537, 20]").replace("= 1200000", "= 999000")
    geared = load_profile(write(text.replace("accel_hz_s = 4000", "accel_hz_s = 40000")))
    assert geared.world()["step_nl"] == pytest.approx(349.939 / 26.85, rel=1e-5)


def test_a_peristaltic_head_has_a_volume_for_each_turn(write: Callable[[str], Path]) -> None:
    text = RIGHT.replace(
        'kind = "syringe"\ndiameter_mm = 26.7\nlead_mm = 2.0', 'kind = "peristaltic"\nul_per_turn = 100'
    )
    compiled = load_profile(write(text.replace("accel_hz_s = 4000", "accel_hz_s = 20000"))).compiled()
    assert compiled["mechanics"]["step_pl"] == [31250, 1]  # 100 µL / 3200


def test_a_band_of_resonance_is_optional(write: Callable[[str], Path]) -> None:
    assert load_profile(write(RIGHT)).compiled()["mechanics"]["resonance_hz"] == [0, 0]
    banded = RIGHT.replace("reverse = false", "resonance_hz = [600, 800]\nreverse = false")
    assert load_profile(write(banded)).compiled()["mechanics"]["resonance_hz"] == [600, 800]


def test_pressures_and_gain_become_integers(write: Callable[[str], Path]) -> None:
    compiled = load_profile(write(RIGHT.replace("pa_per_mv = 60", "pa_per_mv = 60.5"))).compiled()
    assert compiled["sensor"]["gain_pa_per_mv"] == [121, 2]
    # 250, 517 and 775 mmHg times 133.322 Pa: 33330.5 rounds to even
    limits = {key: compiled["occlusion"][key] for key in ("low_pa", "medium_pa", "high_pa")}
    assert limits == {"low_pa": 33330, "medium_pa": 68927, "high_pa": 103325}


def test_the_world_is_in_the_units_of_the_model(write: Callable[[str], Path]) -> None:
    world = load_profile(write(RIGHT)).world()
    assert world["compliance_nl_per_pa"] == pytest.approx(14.37)  # 1.437e6 nL over 1e5 Pa
    assert world["resistance_pa_s_per_nl"] == pytest.approx(0.09)  # 25 Pa over 1e6 nL in 3600 s
    assert world["stall_pa"] == 200_000
    assert world["sensor"] == {"offset_mv": 500, "mv_per_pa": pytest.approx(1 / 60), "noise_mv": 1.5}
    assert world["reverse"] is False


@pytest.fixture
def load_on_pump(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """The firmware's own reader of /profile.json."""
    if "micropython" not in sys.modules:
        module = types.ModuleType("micropython")
        setattr(module, "const", lambda value: value)  # noqa: B010
        monkeypatch.setitem(sys.modules, "micropython", module)
    from pump.storage.profile import load_profile as load  # pyright: ignore[reportMissingImports]

    return load


def test_the_ranges_are_those_of_the_firmware() -> None:
    from picoinfuse.common.firmware_tables import pure_module
    from picoinfuse.profile.file_schema import ProfileFile

    schema = ProfileFile.model_json_schema()
    compared = 0
    for section, keys in pure_module("pump.storage.profile_table").SECTIONS.items():
        table = {"mechanics": "Syringe"}.get(section, section.capitalize())
        for key, allowed in keys.items():
            written = schema["$defs"][table]["properties"].get(key)
            if allowed[0] == "int" and written is not None:
                assert (written["minimum"], written["maximum"]) == allowed[1:], key
                compared += 1
    assert compared > 20


@pytest.mark.parametrize("name", profile_names())
def test_each_board_is_valid_and_the_pump_takes_it(
    name: str, load_on_pump: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    profile = load_profile(name)
    assert profile.name == name
    file = tmp_path / "profile.json"
    file.write_bytes(profile.frame())
    assert load_on_pump(str(file)) == profile.compiled() == decode(profile.frame())
