"""Regimens on the host: the compiled file, and the line of each error."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from picoinfuse.cli import main
from picoinfuse.common.errors import BadQuantity, RegimenError
from picoinfuse.library.model import Drug as LibraryDrug
from picoinfuse.library.model import Limits
from picoinfuse.profile import load_profile
from picoinfuse.regimen import Regimen, load_regimen
from picoinfuse.regimen.order import order_of
from picoinfuse.regimen.plan import plan

EXAMPLES = Path(__file__).parents[2] / "regimens"
PROFILE = load_profile("syringe-50ml")
NOW = datetime(2026, 11, 22, 12)


def load(tmp_path: Path, text: str, now: datetime = NOW) -> Regimen:
    file = tmp_path / "regimen.toml"
    file.write_text(text, encoding="utf-8")
    return load_regimen(file, PROFILE, now)


def mistakes(tmp_path: Path, text: str) -> list[tuple[str, int]]:
    with pytest.raises(RegimenError) as wrong:
        load(tmp_path, text)
    return [(mistake.name, mistake.line) for mistake in wrong.value.mistakes]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_is_right_and_is_drawn(file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "plan.png"
    with pytest.raises(SystemExit) as done:
        main(["plan", str(file), "--png", str(picture)])
    assert done.value.code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "two",
    ['rate = "2.5 mL/h"\nvolume = "180 mL"', 'volume = "180 mL"\nduration = "72 h"', 'rate="2.5"\nduration = "72 h"'],
)
def test_any_two_of_rate_volume_and_duration_give_the_third(tmp_path: Path, two: str) -> None:
    regimen = load(tmp_path, f'kind = "continuous"\n[continuous]\n{two}\n')
    planned = plan(regimen.compiled)
    assert planned.volume_nl == 180_000_000
    assert planned.lasts_s == 72 * 3600


DRUG = '[drug]\nname = "dopamine"\nconcentration = "1600 µg/mL"\nweight = "70 kg"\n'


def test_the_order_has_the_doses_as_they_were_written_and_others_by_their_rate(tmp_path: Path) -> None:
    # 5 µg/kg/min for 70 kg are 21 mg/h, 13.125 mL/h of 1.6 mg/mL; 2.625 mL/h are a fifth of it.
    regimen = load(
        tmp_path,
        f'kind = "steps"\n{DRUG}[step.1]\nrate = "5 µg/kg/min"\nduration = "1 h"\n'
        '[step.2]\nfrom = "13.125 mL/h"\nto = "2.625 mL/h"\nduration = "1 h"\n',
    )
    dopamine = LibraryDrug("dopamine", "ug/kg/min", "mg", (800, 1600), Limits(), Limits(), Limits())
    assert order_of(regimen, dopamine).params() == {
        "drug": "dopamine", "unit": "ug/kg/min", "concentration": 1600, "doses": [5000, 5000, 1000], "weight_g": 70_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("drug", "what"),
    [
        (LibraryDrug("dopamine", "ug/kg/min", "mg", (800,), Limits(), Limits(), Limits()), "not in the library"),
        (LibraryDrug("dopamine", "units/h", "units", (1000,), Limits(), Limits(), Limits()), "is measured in units"),
    ],
)
def test_a_drug_that_the_library_has_in_another_way_is_no_order(tmp_path: Path, drug: LibraryDrug, what: str) -> None:
    regimen = load(tmp_path, f'kind = "continuous"\n{DRUG}[continuous]\nrate = "5 µg/kg/min"\n')
    with pytest.raises(BadQuantity, match=what):
        order_of(regimen, drug)


def test_the_bolus_of_an_order_is_its_amount(tmp_path: Path) -> None:
    regimen = load_regimen(EXAMPLES / "pca.toml", PROFILE, NOW)
    morphine = LibraryDrug("morphine", "mg/h", "mg", (1000,), Limits(), Limits(), Limits())
    params = order_of(regimen, morphine).params()
    assert (params["bolus"], params["doses"]) == (1000, [36_000, 500])


def test_a_square_bolus_is_checked_with_the_rest_and_stays_on_the_host(tmp_path: Path) -> None:
    text = 'kind = "continuous"\n[continuous]\nrate = "5 mL/h"\n[square]\nvolume = "2 mL"\n'
    regimen = load(tmp_path, text + 'duration = "20 min"\n')
    assert regimen.square == (2_000_000, 6_000)
    assert "square" not in regimen.compiled
    # 1196 + 5 mL/h are more than the mechanics do.
    assert mistakes(tmp_path, text + 'rate = "1196 mL/h"\n') == [("out_of_range", 6)]
    assert mistakes(tmp_path, text + 'speed = "1"\n') == [("missing_key", 4), ("unknown_key", 6)]


def test_doses_are_converted_once_and_shown_both_ways(tmp_path: Path) -> None:
    # 5 µg/kg/min for 70 kg are 21 mg/h, 5.25 mL/h of 4 mg/mL; 200 mg are 50 mL.
    regimen = load(
        tmp_path,
        'kind = "continuous"\n[drug]\nconcentration = "4 mg/mL"\nweight = "70 kg"\n'
        '[continuous]\nrate = "5 µg/kg/min"\nvolume = "200 mg"\n',
    )
    assert regimen.compiled["segments"] == [[5250, 5250, 0, 50_000_000]]
    assert set(regimen.shown) == {"5 µg/kg/min = 5.25 mL/h", "200 mg = 50 mL"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('kind = "magic"\n', [("kind", 1)]),
        ('kind = "continuous"\n[continuous]\nrate = "5 mL"\n', [("quantity", 3)]),
        ('kind = "continuous"\n[continuous]\nrate = "5 mg/h"\n', [("quantity", 3)]),
        ('kind = "continuous"\n[continuous]\nspeed = "5"\n', [("missing_key", 2), ("unknown_key", 3)]),
        (
            'kind = "continuous"\n[continuous]\nrate = "5 mL/h"\nvolume = "10 mL"\nduration = "1 h"\n',
            [("contradiction", 3)],
        ),
        ('kind = "continuous"\n[continuous]\nrate = "1300 mL/h"\n', [("out_of_range", 3)]),
        (
            'kind = "intermittent"\n[dose]\nvolume = "50 mL"\nrate = "10 mL/h"\nperiod = "4 h"\ndoses = 3\n',
            [("contradiction", 5)],
        ),
        (
            'kind = "pca"\n[basal]\nrate = "5 mL/h"\n[bolus]\nvolume = "1 mL"\nrate = "100 mL/h"\nlockout = "8 min"\n'
            'max_1h = "5 mL"\nmax_4h = "20 mL"\n',
            [("contradiction", 8)],
        ),
        ('kind = "steps"\n[step.1]\nrate = "5 mL/h"\n[step.2]\nrate = "2 mL/h"\n', [("no_end", 3)]),
        ('kind = "steps"\n', [("missing_key", 1)]),
        (
            'kind = "continuous"\nstart = 2026-11-22T08:00:00\n[continuous]\nrate = "5 mL/h"\nduration = "3 h"\n',
            [("ends_in_the_past", 2)],
        ),
        ("kind = \n", [("syntax", 1)]),
    ],
)
def test_each_error_is_reported_with_its_name_and_line(tmp_path: Path, text: str, found: list[tuple[str, int]]) -> None:
    assert mistakes(tmp_path, text) == found


def test_the_most_that_boluses_may_add_keeps_to_the_limits() -> None:
    planned = plan(load_regimen(EXAMPLES / "pca.toml", PROFILE).compiled)
    for hour in (1, 2, 4):
        most = planned.at_most_nl(hour * 3600)
        assert most is not None
        assert most - (planned.at_most_nl((hour - 1) * 3600) or 0) <= 6_000_000 + 500_000
    assert (planned.at_most_nl(4 * 3600) or 0) <= 20_000_000 + 500_000


def test_a_plan_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", str(EXAMPLES / "taper.toml"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["lasts_s"] == 13 * 3600
    assert told["volume_ml"] == pytest.approx(80 + 1200 + 130)
    assert [row["segment"] for row in told["rows"]] == [0, 1, 2]
