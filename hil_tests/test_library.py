"""The drug library: sent, kept, looked up; doses that are checked, hard limits that refuse, soft ones that ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hil_tests.expect import motor_steps, now_ns
from picoinfuse import paths
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.dose import Dosing, Order, Quantity
from picoinfuse.errors import PumpError
from picoinfuse.library import on_pump
from picoinfuse.library.compile import compiled, text
from picoinfuse.library.model import Library
from picoinfuse.library.read import load_library
from picoinfuse.messages import SoftLimit

pytestmark = [pytest.mark.needs("capture", "reset", "virtual_time")]

LIBRARY = load_library(paths.root() / "library" / "example-ward.toml")
MORPHINE = Dosing("mg/h", Quantity(1_000, "mg"), None)  # 1 mg/h is 1 mL/h
DOPAMINE = Dosing("ug/kg/min", Quantity(1_600, "mg"), 70_000)


def order(dosing: Dosing, dose_milli: int, drug: str = "morphine") -> tuple[int, Order]:
    """The rate and the order of a dose."""
    return dosing.rate_ul_h(dose_milli), Order(drug, (dose_milli,), dosing)


def start(bench: Bench, dosing: Dosing, dose_milli: int, drug: str = "morphine", **more: Any) -> str:
    rate_ul_h, ordered = order(dosing, dose_milli, drug)
    return bench.pump.start(rate_ul_h, order=ordered, **more)


def refused(bench: Bench, code: str, rate_ul_h: int, ordered: Order) -> dict[str, Any]:
    """The data of a refusal, after which nothing has changed."""
    with pytest.raises(PumpError) as error:
        bench.pump.start(rate_ul_h, order=ordered)
    assert error.value.code == code
    assert bench.pump.status().state == "idle"
    return error.value.data


@pytest.fixture
def stocked(bench: Bench) -> Bench:
    on_pump.send(bench.pump, LIBRARY)
    return bench


# ---- the library itself ----


def test_a_pump_without_a_library_says_so_and_infuses_by_rate(bench: Bench):
    assert bench.pump.hello().library is None
    assert bench.pump.status().alarms == ()  # this profile does not ask for one
    assert refused(bench, "no_library", *order(MORPHINE, 1_000)) == {"reason": "missing"}
    assert bench.pump.start(5_000) == "infusing"


def test_a_library_is_in_force_when_it_is_confirmed_and_after_a_reset(bench: Bench):
    proposal = on_pump.propose(bench.pump, LIBRARY)
    assert proposal.changes == {"library": [None, text(LIBRARY)]}
    assert bench.pump.library().library is None
    assert bench.pump.confirm(proposal) == {"library": text(LIBRARY)}
    assert bench.pump.hello().library == bench.pump.status().library == text(LIBRARY)
    bench.reset()
    assert bench.pump.hello().library == text(LIBRARY)
    assert [on_pump.drug_of(bench.pump, drug.name) for drug in LIBRARY.drugs] == list(LIBRARY.drugs)


def test_a_newer_version_takes_the_place_of_the_older(stocked: Bench):
    newer = replace(LIBRARY, version=LIBRARY.version + 1, drugs=LIBRARY.drugs[:3])
    proposal = on_pump.propose(stocked.pump, newer)
    assert proposal.changes == {"library": [text(LIBRARY), text(newer)]}
    stocked.pump.confirm(proposal)
    assert stocked.pump.status().library == text(newer)
    with pytest.raises(PumpError) as gone:
        on_pump.drug_of(stocked.pump, LIBRARY.drugs[-1].name)
    assert (gone.value.code, gone.value.data) == ("not_in_library", {"parameter": "drug"})


def bad_line(at: int, old: bytes, new: bytes) -> list[bytes]:
    """The example with one line changed, its CRC put right."""
    from binascii import crc32

    lines = compiled(LIBRARY)
    body = lines[at].rpartition(b"#")[0].replace(old, new)
    assert body != lines[at].rpartition(b"#")[0]
    lines[at] = body + b"#%08x" % crc32(body)
    return lines


def send_lines(bench: Bench, lines: list[bytes]) -> None:
    for at, line in enumerate(lines):
        bench.pump.library_line(at, line)
    bench.pump.propose("library_change", crc="00000000")


BAD = {
    "a flipped bit": ([*compiled(LIBRARY)[:1], compiled(LIBRARY)[1].replace(b"800", b"900")], "corrupt"),
    "an unknown version of the format": (bad_line(0, b'"format":1', b'"format":2'), "wrong_format"),
    "limits out of order": (bad_line(5, b"5000,10000]", b"5000,4000]"), "limit_order"),
    "drugs that are not those of the head": (bad_line(5, b"5000,10000]", b"5000,90000]"), "corrupt"),
    "half of it": (compiled(LIBRARY)[:4], "missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_library_is_refused_by_name_and_the_old_one_stays(stocked: Bench, name: str):
    lines, reason = BAD[name]
    with pytest.raises(PumpError) as error:
        send_lines(stocked, lines)
    assert (error.value.code, error.value.data) == ("bad_library", {"reason": reason})
    stocked.reset()
    assert stocked.pump.status().library == text(LIBRARY)
    assert on_pump.drug_of(stocked.pump, "morphine") == LIBRARY.drug("morphine")


def test_another_library_than_the_one_that_came_is_refused(bench: Bench):
    for at, line in enumerate(compiled(LIBRARY)):
        bench.pump.library_line(at, line)
    with pytest.raises(PumpError) as error:
        bench.pump.propose("library_change", crc="12345678")
    assert (error.value.code, error.value.data) == ("library_other", {"library": text(LIBRARY)})


def test_the_library_is_changed_only_at_rest(stocked: Bench):
    start(stocked, MORPHINE, 1_000)
    with pytest.raises(PumpError) as error:
        stocked.pump.library_line(0, compiled(LIBRARY)[0])
    assert (error.value.code, error.value.data) == ("wrong_state", {"state": "infusing"})


def damage(bench: Bench) -> None:
    enter_repl(bench)
    code = "d = open('/library.txt', 'rb').read(); f = open('/library.txt', 'wb'); f.write(d[:-30]); f.close()"
    run_in_repl(bench, code)
    bench.reset()


def test_a_damaged_library_alarms_and_no_therapy_that_needs_one_starts(stocked: Bench):
    damage(stocked)
    status = stocked.pump.status()
    assert (status.state, status.alarms, status.library) == ("idle", ("library_fault",), None)
    assert [alarm.priority for alarm in stocked.pump.alarms().active] == ["low"]
    assert refused(stocked, "library_fault", *order(MORPHINE, 1_000)) == {"reason": "corrupt"}
    assert stocked.pump.start(5_000) == "infusing"
    stocked.pump.stop()
    stocked.sleep(1.0)
    on_pump.send(stocked.pump, LIBRARY)
    assert stocked.pump.status().alarms == ()
    assert start(stocked, MORPHINE, 1_000) == "infusing"


# ---- doses ----


def test_a_dose_becomes_its_rate_and_is_told(stocked: Bench):
    assert start(stocked, DOPAMINE, 5_000, "dopamine") == "infusing"  # 5 µg/kg/min
    assert stocked.pump.status().target_ul_h == 13_125
    assert stocked.pump.status().drug == "dopamine"
    told = stocked.pump.order()
    assert told is not None
    assert (told.drug, told.unit, told.concentration, told.weight_g) == ("dopamine", "ug/kg/min", 1_600, 70_000)
    assert told.dose == 5_000


def test_a_rate_that_is_not_that_of_its_dose_is_refused(stocked: Bench):
    rate_ul_h, ordered = order(MORPHINE, 4_800)
    data = refused(stocked, "dose_mismatch", rate_ul_h + 1, ordered)
    assert data == {"parameter": "doses", "place": 0, "rate_ul_h": 4_800}
    refused(stocked, "dose_mismatch", 10 * rate_ul_h, ordered)  # a wrong digit
    assert stocked.pump.start(rate_ul_h, order=ordered) == "infusing"


@pytest.mark.parametrize(
    ("changed", "code", "parameter"),
    [
        ({"drug": "cyanide"}, "not_in_library", "drug"),
        ({"concentration": 2_000}, "not_in_library", "concentration"),
        ({"unit": "ug/kg/min"}, "not_in_library", "unit"),
        ({"weight_g": 70_000}, "out_of_range", "weight_g"),
        ({"doses": []}, "dose_mismatch", "doses"),
        ({"doses": [1.5]}, "wrong_type", "order"),
        ({"drug": 7}, "wrong_type", "order"),
        ({"doctor": "A"}, "extra_parameter", "doctor"),
        ({"unit": None}, "wrong_type", "order"),
    ],
)
def test_an_order_that_is_wrong_is_refused_by_name(stocked: Bench, changed: dict[str, Any], code: str, parameter: str):
    rate_ul_h, ordered = order(MORPHINE, 1_000)
    with pytest.raises(PumpError) as error:
        stocked.pump.propose("start", rate_ul_h=rate_ul_h, order={**ordered.params(), **changed})
    assert (error.value.code, error.value.data["parameter"]) == (code, parameter)
    assert stocked.pump.status().state == "idle"


# ---- limits ----


def test_a_hard_limit_refuses(stocked: Bench):
    data = refused(stocked, "hard_limit", *order(MORPHINE, 10_001))
    assert data == {"limit": "dose", "value": 10_001, "bound": 10_000}


def test_a_soft_limit_wants_the_value_named(stocked: Bench):
    rate_ul_h, ordered = order(MORPHINE, 6_000)
    proposal = stocked.pump.propose_start(rate_ul_h, order=ordered)
    assert proposal.over_soft == (SoftLimit("dose", 6_000, 5_000),)
    began_ns = now_ns(stocked)
    for wrong in ((), (5_000,), (60_000,)):
        with pytest.raises(PumpError) as error:
            stocked.pump.confirm(proposal, wrong)
        assert error.value.code == "soft_limit"
        assert error.value.data == {"token": proposal.token, "limit": "dose", "value": 6_000, "bound": 5_000}
    stocked.sleep(1.0)
    assert len(motor_steps(stocked, began_ns)) == 0
    assert stocked.pump.confirm(proposal, (6_000,)) == {"state": "infusing"}


def test_two_soft_limits_are_named_one_after_the_other(stocked: Bench):
    # 8 mg/h pass the soft limit of the dose. 14 mg in the first hour would too, but 12 mL at 8 mL/h are 8 in an hour.
    newer = [replace(d, hour=replace(d.hour, soft_max=7_000)) if d.name == "morphine" else d for d in LIBRARY.drugs]
    on_pump.send(stocked.pump, Library(LIBRARY.name, 2, LIBRARY.file, tuple(newer)))
    rate_ul_h, ordered = order(MORPHINE, 8_000)
    proposal = stocked.pump.propose_start(rate_ul_h, order=ordered)
    assert proposal.over_soft == (SoftLimit("dose", 8_000, 5_000), SoftLimit("hour", 8_000, 7_000))
    with pytest.raises(PumpError) as error:
        stocked.pump.confirm(proposal, (8_000,))
    assert error.value.data["limit"] == "hour"  # the dose is named now
    assert stocked.pump.confirm(proposal, (8_000,)) == {"state": "infusing"}


def test_naming_a_value_where_no_limit_is_passed_is_refused(stocked: Bench):
    rate_ul_h, ordered = order(MORPHINE, 1_000)
    proposal = stocked.pump.propose_start(rate_ul_h, order=ordered)
    with pytest.raises(PumpError) as error:
        stocked.pump.confirm(proposal, (1_000,))
    assert error.value.code == "extra_parameter"


def test_another_rate_keeps_to_the_limits_and_its_dose_is_told(stocked: Bench):
    start(stocked, MORPHINE, 1_000)
    proposal = stocked.pump.propose_rate(2_000, 2_000)
    assert proposal.changes == {"rate_ul_h": [1_000, 2_000], "dose": [1_000, 2_000]}
    stocked.pump.confirm(proposal)
    with pytest.raises(PumpError) as soft:
        stocked.pump.set_rate(6_000)
    assert soft.value.code == "soft_limit"
    with pytest.raises(PumpError) as hard:
        stocked.pump.set_rate(10_001)
    assert hard.value.code == "hard_limit"
    with pytest.raises(PumpError) as mismatch:
        stocked.pump.set_rate(3_000, dose_milli=3_001)
    assert mismatch.value.code == "dose_mismatch"
    assert stocked.pump.status().target_ul_h == 2_000
    assert stocked.pump.set_rate(6_000, 6_000, over_soft=(6_000,)) == 6_000


def test_the_hour_counts_what_is_given_at_all(stocked: Bench):
    # 60 mg/kg/h for 15 min are 15 mg/kg: allowed. Without an end an hour of it would be 60.
    paracetamol = Dosing("mg/kg/h", Quantity(10_000, "mg"), 20_000)
    rate_ul_h, ordered = order(paracetamol, 60_000, "paracetamol")  # 120 mL/h
    assert refused(stocked, "hard_limit", rate_ul_h, ordered) == {"limit": "hour", "value": 60_000, "bound": 15_000}
    assert stocked.pump.start(rate_ul_h, 30_000_000, ordered) == "infusing"  # 30 mL are 300 mg, 15 mg/kg


def test_the_drug_of_an_infusion_is_not_changed_under_way(stocked: Bench):
    start(stocked, MORPHINE, 1_000)
    with pytest.raises(PumpError) as error:
        start(stocked, DOPAMINE, 5_000, "dopamine")
    assert error.value.code == "wrong_state"
    assert stocked.pump.status().drug == "morphine"
