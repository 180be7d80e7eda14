"""A profile is whole, known, complete, in range and for this wiring, or it is a fault: no defaults."""

import copy
import json
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump import wiring
from pump.storage.profile import ProfileFault, load_profile

PROFILE = {
    "format": 1,
    "name": "syringe-50ml",
    "wiring": {
        "step": 2, "dir": 3, "enable": 4, "piezo": 6,
        "lamp_red": 10, "lamp_yellow": 11, "pressure": 26, "strap": 22,
    },
    "mechanics": {
        # 26.7 mm across, 2 mm lead, 3200 microsteps a turn: 349.93 nL
        "step_pl": [44790996, 128],
        "min_rate_ul_h": 10,
        "max_rate_ul_h": 1200000,
        "start_hz": 400,
        "accel_hz_s": 4000,
        "resonance_hz": [0, 0],
        "reverse": 0,
    },
    "sensor": {"offset_mv": 500, "gain_pa_per_mv": [60, 1], "open_mv": 3200, "short_mv": 100},
    "occlusion": {
        "low_pa": 33331, "medium_pa": 68928, "high_pa": 103325, "persistence_ms": 500, "default": "medium",
        "compliance_pl_per_pa": 14370, "retract_max_ul": 2500, "retract_ul_h": 500000, "retract_to_pa": 1333,
        "auto_restarts": 0, "upstream_pa": 0,
    },
    "alarms": {"escalate_ms": 120000},
    "reservoir": {
        "capacity_ul": 50000, "low_ul": 1000, "empty_ul": 500, "near_empty_min": 30, "harmful_near_empty_min": 120,
        "must_be_told": 0,
    },
    "library": {"required": 0},
    "therapy": {"kvo_ul_h": 0},
}  # fmt: skip
GONE = object()


def framed(profile):
    text = json.dumps(profile, separators=(",", ":")).encode()
    return text + b"#%08x\n" % crc32(text)


@pytest.fixture
def load(tmp_path):
    """Loads a profile from the bytes of a file."""

    def load(data):
        path = tmp_path / "profile.json"
        path.write_bytes(data)
        return load_profile(str(path))

    return load


def reason(load, data):
    with pytest.raises(ProfileFault) as caught:
        load(data)
    assert caught.value.detail
    return caught.value.reason


def changed(path, value):
    """PROFILE with the member at `path` replaced, or taken out."""
    profile = copy.deepcopy(PROFILE)
    *parents, last = path.split(".")
    inner = profile
    for name in parents:
        inner = inner[name]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return profile


def test_a_good_profile_is_loaded_as_it_is(load):
    assert load(framed(PROFILE)) == PROFILE


def test_the_wiring_of_this_test_is_that_of_the_pump():
    assert PROFILE["wiring"] == wiring.TABLE


def test_no_file_is_missing(tmp_path):
    with pytest.raises(ProfileFault) as caught:
        load_profile(str(tmp_path / "profile.json"))
    assert caught.value.reason == "missing"


GOOD = framed(PROFILE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\x00" * 700,
        b"\xff" * 700,
        GOOD[:-1],  # no newline
        GOOD[:-2] + b"\n",
        GOOD[: len(GOOD) // 2],
        GOOD[: len(GOOD) // 2] + b"\n",
        GOOD + b"\n",
        GOOD + GOOD,
        b"\n" + GOOD,
        GOOD[:-1] + b" \n",
        GOOD[:-10] + b"\n",  # no CRC
        GOOD[:-10] + b"#00000000\n",
        GOOD.replace(b"1200000", b"1300000"),
        GOOD.replace(b'"reverse":0', b'"reverse":1'),
        GOOD[:-10] + b" " * 2048 + GOOD[-10:],
    ],
)
def test_a_file_that_is_not_one_whole_line_is_corrupt(load, data):
    assert reason(load, data) == "corrupt"


@given(st.data())
def test_any_byte_changed_is_a_fault(tmp_path_factory, data):
    damaged = bytearray(GOOD)
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("profile") / "profile.json"
    path.write_bytes(damaged)
    with pytest.raises(ProfileFault) as caught:
        load_profile(str(path))
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("profile", [[], 1, None, "x", {}, {"format": 2}, {"format": "1"}, {"format": True}])
def test_what_is_no_profile_has_the_wrong_format(load, profile):
    assert reason(load, framed(profile)) == "wrong_format"


MEMBERS = [
    name if not isinstance(value, dict) else f"{name}.{inner}"
    for name, value in PROFILE.items()
    for inner in (value if isinstance(value, dict) else [None])
    if name != "wiring"
]


@pytest.mark.parametrize("path", [*MEMBERS, "wiring", "mechanics", "sensor", "occlusion"])
def test_every_member_must_be_there(load, path):
    assert reason(load, framed(changed(path, GONE))) == "wrong_format"


@pytest.mark.parametrize("value", [None, True, 1.5, "1", [], {}], ids=repr)
@pytest.mark.parametrize("path", [path for path in MEMBERS if path not in ("name", "occlusion.default")])
def test_every_number_must_be_an_integer(load, path, value):
    assert reason(load, framed(changed(path, value))) == "wrong_format"


@pytest.mark.parametrize("path", ["extra", "mechanics.extra", "sensor.extra", "occlusion.extra"])
def test_a_member_that_is_not_known_is_the_wrong_format(load, path):
    # It may be of a later version and mean something.
    assert reason(load, framed(changed(path, 1))) == "wrong_format"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", 5),
        ("wiring", 5),
        ("mechanics", []),
        ("mechanics.step_pl", [1]),
        ("mechanics.step_pl", [1, 2, 3]),
        ("mechanics.step_pl", [1.5, 1]),
        ("mechanics.step_pl", 349929),
        ("sensor.gain_pa_per_mv", [60, True]),
    ],
)
def test_a_member_of_another_shape_is_the_wrong_format(load, path, value):
    assert reason(load, framed(changed(path, value))) == "wrong_format"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("mechanics.step_pl", [0, 1]),
        ("mechanics.step_pl", [-349929, 1]),
        ("mechanics.step_pl", [349929, 0]),
        ("mechanics.step_pl", [349929, 257]),
        ("mechanics.step_pl", [2**30, 256]),
        ("mechanics.min_rate_ul_h", 0),
        ("mechanics.min_rate_ul_h", 1200001),  # above the maximum
        ("mechanics.max_rate_ul_h", 9),  # below the minimum
        ("mechanics.max_rate_ul_h", 1200001),
        ("mechanics.start_hz", 0),
        ("mechanics.accel_hz_s", 0),
        ("mechanics.resonance_hz", [700, 600]),
        ("mechanics.resonance_hz", [300, 400]),  # the start rate
        ("mechanics.resonance_hz", [390, 400]),
        ("mechanics.resonance_hz", [-1, 100]),
        ("mechanics.resonance_hz", [450, 200001]),
        ("mechanics.resonance_hz", [396, 398]),  # 500000 µL/h, the retraction, are 396.9 steps/s
        ("mechanics.reverse", 2),
        ("mechanics.reverse", -1),
        ("sensor.gain_pa_per_mv", [0, 1]),
        ("sensor.gain_pa_per_mv", [60, 0]),
        ("sensor.offset_mv", 100),  # no pressure would be a short circuit
        ("sensor.offset_mv", 3200),
        ("sensor.open_mv", 3301),
        ("sensor.short_mv", -1),
        ("sensor.open_mv", 2222),  # 1722 mV * 60 Pa/mV = 103320 Pa: the high limit is 103325
        ("occlusion.low_pa", 0),
        ("occlusion.low_pa", 68928),  # as high as medium
        ("occlusion.medium_pa", 103325),  # as high as high
        ("occlusion.medium_pa", 33331),  # as low as low
        ("occlusion.high_pa", 68928),
        ("occlusion.high_pa", 137895),
        ("occlusion.persistence_ms", 99),
        ("occlusion.compliance_pl_per_pa", 99),
        ("occlusion.retract_max_ul", 5001),
        ("occlusion.retract_ul_h", 9),  # below the lowest rate of the mechanics
        ("occlusion.retract_ul_h", 1200001),
        ("occlusion.retract_to_pa", 0),
        ("occlusion.auto_restarts", 10),
        ("occlusion.persistence_ms", 2001),
        ("occlusion.default", "none"),
        ("occlusion.default", 1),
    ],
)
def test_what_no_pump_should_have_is_out_of_range(load, path, value):
    assert reason(load, framed(changed(path, value))) == "out_of_range"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mechanics.reverse", 1),
        ("mechanics.resonance_hz", [401, 200000]),
        ("mechanics.resonance_hz", [1, 396]),
        ("mechanics.step_pl", [2**30 - 1, 256]),
        ("mechanics.min_rate_ul_h", 500000),  # that of the retraction
        ("sensor.open_mv", 2223),  # 1723 mV * 60 Pa/mV = 103380 Pa
        ("sensor.short_mv", 499),
        ("occlusion.high_pa", 137894),
        ("occlusion.persistence_ms", 100),
        ("occlusion.persistence_ms", 2000),
        ("occlusion.default", "high"),
    ],
)
def test_the_ends_of_the_ranges_are_allowed(load, path, value):
    profile = changed(path, value)
    assert load(framed(profile)) == profile


@pytest.mark.parametrize("pin", sorted(wiring.TABLE))
@pytest.mark.parametrize("value", [GONE, 28, -1, None, True, "2"], ids=["gone", "28", "-1", "None", "True", "text"])
def test_a_profile_for_another_wiring_is_refused_by_pin(load, pin, value):
    with pytest.raises(ProfileFault, match=pin) as caught:
        load(framed(changed(f"wiring.{pin}", value)))
    assert caught.value.reason == "wiring_mismatch"


def test_a_pin_that_the_pump_does_not_have_is_refused(load):
    assert reason(load, framed(changed("wiring.lamp_green", 12))) == "wiring_mismatch"
