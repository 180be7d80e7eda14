"""The drug library: transfer, storage, look-up; doses checked, hard limits refuse, soft limits ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from littlefs import LittleFS

from hil_tests.expect import cut_off_ends, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.bench.stub import StubBench
from picoinfuse.client.caller import SoftLimit
from picoinfuse.common import paths
from picoinfuse.common.errors import PumpError
from picoinfuse.dosing.dose import Dosing, Order, Quantity
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.compile import compiled, text
from picoinfuse.library.model import Library
from picoinfuse.library.read import load_library
from picoinfuse.regimen import load_regimen
from picoinfuse.regimen.order import order_of

pytestmark = [pytest.mark.requirement("GIP-6"), pytest.mark.needs("capture", "reset", "virtual_time")]

LIBRARY = load_library(paths.root() / "library" / "example-ward.toml")
MORPHINE = Dosing("mg/h", Quantity(1_000, "mg"), None)  # 1 mg/h is 1 mL/h
DOPAMINE = Dosing("ug/kg/min", Quantity(1_600, "mg"), 70_000)


def order(dosing: Dosing, dose_milli: int, drug: str = "morphine") -> tuple[int, Order]:
    """Returns the rate and the order of a dose."""
    return dosing.rate_ul_h(dose_milli), Order(drug, (dose_milli,), dosing)


def start(bench: Bench, dosing: Dosing, dose_milli: int, drug: str = "morphine", **more: Any) -> str:
    rate_ul_h, ordered = order(dosing, dose_milli, drug)
    return bench.pump.start(rate_ul_h, order=ordered, **more)


def refused(bench: Bench, measure: Measure, code: str, rate_ul_h: int, ordered: Order) -> dict[str, Any]:
    """Returns the data of the refusal; asserts that nothing has changed."""
    with pytest.raises(PumpError) as error:
        bench.pump.start(rate_ul_h, order=ordered)
    measure("refused with", error.value.code, equal=code)
    measure("state", bench.pump.status().state, equal="idle")
    return error.value.data


@pytest.fixture
def stocked(bench: Bench) -> Bench:
    on_pump.send(bench.pump, LIBRARY)
    return bench


# ---- the library itself ----


def test_a_pump_without_a_library_reports_it_and_infuses_by_rate(bench: Bench, measure: Measure):
    measure("library reported", bench.pump.hello().library, equal=None)
    measure("alarms", bench.pump.status().alarms, equal=())  # this profile does not require one
    measure(
        "data of the refusal",
        refused(bench, measure, "no_library", *order(MORPHINE, 1_000)),
        equal={"reason": "missing"},
    )
    measure("state", bench.pump.start(5_000), equal="infusing")


def test_a_library_is_in_force_when_it_is_confirmed_and_after_a_reset(bench: Bench, measure: Measure):
    proposal = on_pump.propose(bench.pump, LIBRARY)
    measure("changes proposed", proposal.changes, equal={"library": [None, text(LIBRARY)]})
    measure("library reported", bench.pump.library().library, equal=None)
    measure("result of the confirm", bench.pump.confirm(proposal).library, equal=text(LIBRARY))
    measure("library reported", bench.pump.hello().library, equal=text(LIBRARY))
    measure("library", bench.pump.status().library, equal=text(LIBRARY))
    bench.reset()
    measure("library reported", bench.pump.hello().library, equal=text(LIBRARY))
    measure(
        "drugs that differ on the pump",
        sum(on_pump.drug_of(bench.pump, drug.name) != drug for drug in LIBRARY.drugs),
        equal=0,
    )


def test_a_newer_version_replaces_the_older(measure: Measure, stocked: Bench):
    newer = replace(LIBRARY, version=LIBRARY.version + 1, drugs=LIBRARY.drugs[:3])
    proposal = on_pump.propose(stocked.pump, newer)
    measure("changes proposed", proposal.changes, equal={"library": [text(LIBRARY), text(newer)]})
    stocked.pump.confirm(proposal)
    measure("library", stocked.pump.status().library, equal=text(newer))
    with pytest.raises(PumpError) as gone:
        on_pump.drug_of(stocked.pump, LIBRARY.drugs[-1].name)
    measure("refused with", gone.value.code, equal="not_in_library")
    measure("data of the refusal", gone.value.data, equal={"parameter": "drug"})


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
    bench.pump.call("library_change", crc="00000000")


BAD = {
    "a flipped bit": ([*compiled(LIBRARY)[:1], compiled(LIBRARY)[1].replace(b"800", b"900")], "corrupt"),
    "an unknown version of the format": (bad_line(0, b'"format":1', b'"format":2'), "wrong_format"),
    "limits out of order": (bad_line(5, b"5000,10000]", b"5000,4000]"), "limit_order"),
    "drugs that are not those of the head": (bad_line(5, b"5000,10000]", b"5000,90000]"), "corrupt"),
    "half of it": (compiled(LIBRARY)[:4], "missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_library_is_refused_by_name_and_the_old_one_stays(measure: Measure, stocked: Bench, name: str):
    lines, reason = BAD[name]
    with pytest.raises(PumpError) as error:
        send_lines(stocked, lines)
    measure("refused with", error.value.code, equal="bad_library")
    measure("data of the refusal", error.value.data, equal={"reason": reason})
    stocked.reset()
    measure("library", stocked.pump.status().library, equal=text(LIBRARY))
    measure(
        "the drug on the pump is the library's",
        on_pump.drug_of(stocked.pump, "morphine") == LIBRARY.drug("morphine"),
        equal=True,
    )


def test_confirming_another_library_than_the_one_sent_is_refused(bench: Bench, measure: Measure):
    for at, line in enumerate(compiled(LIBRARY)):
        bench.pump.library_line(at, line)
    with pytest.raises(PumpError) as error:
        bench.pump.call("library_change", crc="12345678")
    measure("refused with", error.value.code, equal="library_other")
    measure("data of the refusal", error.value.data, equal={"library": text(LIBRARY)})


def test_the_library_is_changed_only_at_rest(measure: Measure, stocked: Bench):
    start(stocked, MORPHINE, 1_000)
    with pytest.raises(PumpError) as error:
        stocked.pump.library_line(0, compiled(LIBRARY)[0])
    measure("refused with", error.value.code, equal="wrong_state")
    measure("data of the refusal", error.value.data, equal={"state": "infusing"})


FIRST, SECOND = "/keep_a/library.0", "/keep_b/library.0"


@pytest.mark.requirement("GIP-6", "KEEP-1")
@pytest.mark.parametrize(
    "damaged", [(FIRST,), (SECOND,), ("/keep_a/library",), ("/keep_b/library",), (FIRST, "/keep_b/library")]
)
def test_a_damaged_copy_is_restored_from_the_other_and_reported(
    measure: Measure, stocked: Bench, damaged: tuple[str, ...]
) -> None:
    cut_off_ends(stocked, *damaged)
    reported = stocked.pump.alarms().active
    measure("alarms", [(alarm.name, alarm.priority) for alarm in reported], equal=[("record_restored", "low")])
    measure("library", stocked.pump.status().library, equal=text(LIBRARY))
    measure("state", start(stocked, MORPHINE, 1_000), equal="infusing")
    stocked.pump.stop()
    stocked.sleep(1.0)
    stocked.pump.clear_alarms()
    stocked.reset()
    measure("alarms after the next boot", stocked.pump.status().alarms, equal=())


def damage_in_use(bench: StubBench) -> None:
    """Flips a bit of the morphine line in the block of the first copy; old blocks hold the line too."""
    image = Path(bench.board._setup["image"])
    data = bytearray(image.read_bytes())
    at = -1
    while (at := data.find(b'["morphine",', at + 1)) >= 0:
        data[at + 20] ^= 1
        fs = LittleFS(block_size=4096, block_count=352, prog_size=256, read_size=256, cache_size=1024, mount=False)
        fs.context.buffer = bytearray(data)
        fs.mount()
        if fs.open(FIRST, "rb").read().splitlines()[1:] != compiled(LIBRARY)[1:]:
            image.write_bytes(data)
            return
        data[at + 20] ^= 1
    pytest.fail("the first copy is nowhere in the flash")


@pytest.mark.requirement("GIP-6", "KEEP-1")
@pytest.mark.needs("flash")
def test_a_copy_damaged_in_use_is_reported_and_the_other_is_read(measure: Measure, stocked: StubBench) -> None:
    damage_in_use(stocked)
    measure("state", start(stocked, MORPHINE, 1_000), equal="infusing")
    measure("alarms", stocked.pump.status().alarms, equal=("record_restored",))
    stocked.pump.stop()
    stocked.sleep(1.0)
    measure("library", stocked.pump.status().library, equal=text(LIBRARY))


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [((FIRST, SECOND), "corrupt"), (("/keep_a/library", "/keep_b/library"), "corrupt")],
)
def test_a_damaged_library_alarms_and_no_therapy_that_needs_one_starts(
    measure: Measure, stocked: Bench, damaged: tuple[str, ...], reason: str
):
    cut_off_ends(stocked, *damaged)
    status = stocked.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=("library_fault",))
    measure("library", status.library, equal=None)
    measure("priorities of the alarms", [alarm.priority for alarm in stocked.pump.alarms().active], equal=["low"])
    measure(
        "data of the refusal",
        refused(stocked, measure, "library_fault", *order(MORPHINE, 1_000)),
        equal={"reason": reason},
    )
    measure("state", stocked.pump.start(5_000), equal="infusing")
    stocked.pump.stop()
    stocked.sleep(1.0)
    on_pump.send(stocked.pump, LIBRARY)
    measure("alarms", stocked.pump.status().alarms, equal=())
    measure("state", start(stocked, MORPHINE, 1_000), equal="infusing")


def test_the_library_of_an_earlier_firmware_is_used_and_stored_in_two_copies(measure: Measure, bench: Bench) -> None:
    stored = (paths.root() / "firmware" / "tests" / "stored" / "library-1.txt").read_bytes()
    enter_repl(bench)
    for line in stored.splitlines(keepends=True):
        run_in_repl(bench, f"f = open('/library.txt', 'ab'); f.write({line!r}); f.close()")
    for _ in range(2):
        bench.reset()
        measure("library", bench.pump.status().library, equal="example-ward 1 50670c98")
        measure("alarms", bench.pump.status().alarms, equal=())
        measure("state", start(bench, MORPHINE, 1_000), equal="infusing")
        bench.pump.stop()
        bench.sleep(1.0)
    enter_repl(bench)
    measure("files", run_in_repl(bench, "import os; print('library.txt' in os.listdir('/'))"), equal="False")
    bench.reset()


# ---- doses ----


def test_a_dose_becomes_its_rate_and_is_reported(measure: Measure, stocked: Bench):
    measure("state", start(stocked, DOPAMINE, 5_000, "dopamine"), equal="infusing")  # 5 µg/kg/min
    measure("target rate", stocked.pump.status().target_ul_h, unit="µL/h", equal=13_125)
    measure("drug", stocked.pump.status().drug, equal="dopamine")
    reported = stocked.pump.order()
    assert reported is not None
    measure("drug reported", reported.drug, equal="dopamine")
    measure("unit reported", reported.unit, equal="ug/kg/min")
    measure("concentration reported", reported.concentration, equal=1_600)
    measure("weight g reported", reported.weight_g, equal=70_000)
    measure("dose reported", reported.dose, equal=5_000)


def test_a_rate_that_is_not_that_of_its_dose_is_refused(measure: Measure, stocked: Bench):
    rate_ul_h, ordered = order(MORPHINE, 4_800)
    data = refused(stocked, measure, "dose_mismatch", rate_ul_h + 1, ordered)
    measure("data", data, equal={"parameter": "doses", "place": 0, "rate_ul_h": 4_800})
    refused(stocked, measure, "dose_mismatch", 10 * rate_ul_h, ordered)  # a wrong digit
    measure("state", stocked.pump.start(rate_ul_h, order=ordered), equal="infusing")


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
def test_an_order_that_is_wrong_is_refused_by_name(
    measure: Measure, stocked: Bench, changed: dict[str, Any], code: str, parameter: str
):
    rate_ul_h, ordered = order(MORPHINE, 1_000)
    with pytest.raises(PumpError) as error:
        stocked.pump.call("start", rate_ul_h=rate_ul_h, order={**ordered.params(), **changed})
    measure("refused with", error.value.code, equal=code)
    measure("refused with", error.value.data["parameter"], equal=parameter)
    measure("state", stocked.pump.status().state, equal="idle")


# ---- limits ----


def test_a_hard_limit_refuses(measure: Measure, stocked: Bench):
    data = refused(stocked, measure, "hard_limit", *order(MORPHINE, 10_001))
    measure("data", data, equal={"limit": "dose", "value": 10_001, "bound": 10_000})


def test_a_soft_limit_requires_the_value_in_the_confirmation(measure: Measure, stocked: Bench):
    rate_ul_h, ordered = order(MORPHINE, 6_000)
    proposal = stocked.pump.propose_start(rate_ul_h, order=ordered)
    measure("soft limits exceeded", proposal.soft_limits, equal=(SoftLimit("dose", 6_000, 5_000),))
    began_ns = now_ns(stocked)
    for wrong in ((), (5_000,), (60_000,)):
        with pytest.raises(PumpError) as error:
            stocked.pump.confirm(proposal, wrong)
        measure("refused with", error.value.code, equal="soft_limit")
        measure(
            "data of the refusal",
            error.value.data,
            equal={"token": proposal.token, "limit": "dose", "value": 6_000, "bound": 5_000},
        )
    stocked.sleep(1.0)
    measure("steps", len(motor_steps(stocked, began_ns)), equal=0)
    measure("result of the confirm", stocked.pump.confirm(proposal, (6_000,)).state, equal="infusing")


def test_two_soft_limits_are_confirmed_one_after_the_other(measure: Measure, stocked: Bench):
    # 8 mg/h pass the soft limit of the dose. 14 mg in the first hour would too, but 12 mL at 8 mL/h are 8 in an hour.
    newer = [replace(d, hour=replace(d.hour, soft_max=7_000)) if d.name == "morphine" else d for d in LIBRARY.drugs]
    on_pump.send(stocked.pump, Library(LIBRARY.name, 2, LIBRARY.file, tuple(newer)))
    rate_ul_h, ordered = order(MORPHINE, 8_000)
    proposal = stocked.pump.propose_start(rate_ul_h, order=ordered)
    measure(
        "soft limits exceeded",
        proposal.soft_limits,
        equal=(SoftLimit("dose", 8_000, 5_000), SoftLimit("hour", 8_000, 7_000)),
    )
    with pytest.raises(PumpError) as error:
        stocked.pump.confirm(proposal, (8_000,))
    measure("limit that refused", error.value.data["limit"], equal="hour")  # the dose is already confirmed
    measure("result of the confirm", stocked.pump.confirm(proposal, (8_000,)).state, equal="infusing")


def test_overriding_a_limit_that_is_not_passed_is_refused(measure: Measure, stocked: Bench):
    rate_ul_h, ordered = order(MORPHINE, 1_000)
    proposal = stocked.pump.propose_start(rate_ul_h, order=ordered)
    with pytest.raises(PumpError) as error:
        stocked.pump.confirm(proposal, (1_000,))
    measure("refused with", error.value.code, equal="extra_parameter")


def test_a_new_rate_obeys_the_limits_and_its_dose_is_reported(measure: Measure, stocked: Bench):
    start(stocked, MORPHINE, 1_000)
    proposal = stocked.pump.propose_rate(2_000, 2_000)
    measure("changes proposed", proposal.changes, equal={"rate_ul_h": [1_000, 2_000], "dose": [1_000, 2_000]})
    stocked.pump.confirm(proposal)
    with pytest.raises(PumpError) as soft:
        stocked.pump.set_rate(6_000)
    measure("refused with", soft.value.code, equal="soft_limit")
    with pytest.raises(PumpError) as hard:
        stocked.pump.set_rate(10_001)
    measure("refused with", hard.value.code, equal="hard_limit")
    with pytest.raises(PumpError) as mismatch:
        stocked.pump.set_rate(3_000, dose_milli=3_001)
    measure("refused with", mismatch.value.code, equal="dose_mismatch")
    measure("target rate", stocked.pump.status().target_ul_h, unit="µL/h", equal=2_000)
    measure(
        "rate in force", stocked.pump.set_rate(6_000, 6_000, override_soft_limits=(6_000,)), unit="µL/h", equal=6_000
    )


def test_the_hour_limit_counts_the_volume_actually_given(measure: Measure, stocked: Bench):
    # 60 mg/kg/h for 15 min are 15 mg/kg: allowed. Without an end an hour of it would be 60.
    paracetamol = Dosing("mg/kg/h", Quantity(10_000, "mg"), 20_000)
    rate_ul_h, ordered = order(paracetamol, 60_000, "paracetamol")  # 120 mL/h
    measure(
        "data of the refusal",
        refused(stocked, measure, "hard_limit", rate_ul_h, ordered),
        equal={"limit": "hour", "value": 60_000, "bound": 15_000},
    )
    measure("state", stocked.pump.start(rate_ul_h, 30_000_000, ordered), equal="infusing")  # 30 mL are 300 mg, 15 mg/kg


def test_the_drug_of_a_running_infusion_cannot_change(measure: Measure, stocked: Bench):
    start(stocked, MORPHINE, 1_000)
    with pytest.raises(PumpError) as error:
        start(stocked, DOPAMINE, 5_000, "dopamine")
    measure("refused with", error.value.code, equal="wrong_state")
    measure("drug", stocked.pump.status().drug, equal="morphine")


# ---- a regimen of a drug, from its file ----


def test_a_regimen_file_is_given_within_the_limits_of_its_drug(stocked: Bench, measure: Measure):
    """5 µg/kg/min for 70 kg of 1.6 mg/mL are 13.125 mL/h."""
    loaded = load_regimen(paths.root() / "regimens" / "dopamine.toml", stocked.profile)
    ordered = order_of(loaded, on_pump.drug_of(stocked.pump, "dopamine"))
    measure("doses ordered", ordered.doses_milli, unit="µg/kg/min / 1000", equal=(5_000, 5_000, 1_000))
    measure("state", stocked.pump.start_regimen(loaded.compiled, ordered), equal="infusing")
    stocked.sleep(2.0)
    status = stocked.pump.status()
    measure("drug reported", status.drug, equal="dopamine")
    measure("rate", status.target_ul_h, unit="µL/h", equal=13_125)
    reported = stocked.pump.order()
    assert reported is not None
    measure("dose reported", reported.dose, unit="µg/kg/min / 1000", equal=5_000)


@pytest.mark.parametrize(("dose", "code"), [("60 µg/kg/min", "hard_limit"), ("30 µg/kg/min", "soft_limit")])
def test_a_regimen_file_beyond_a_limit_is_refused(
    stocked: Bench, measure: Measure, tmp_path: Path, dose: str, code: str
):
    file = tmp_path / "dopamine.toml"
    text = (paths.root() / "regimens" / "dopamine.toml").read_text(encoding="utf-8")
    file.write_text(text.replace("5 µg/kg/min", dose), encoding="utf-8")
    loaded = load_regimen(file, stocked.profile)
    ordered = order_of(loaded, on_pump.drug_of(stocked.pump, "dopamine"))
    with pytest.raises(PumpError) as error:
        stocked.pump.start_regimen(loaded.compiled, ordered)
    measure("refused with", error.value.code, equal=code)
    measure("state", stocked.pump.status().state, equal="idle")
