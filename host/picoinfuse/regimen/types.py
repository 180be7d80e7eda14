"""The types of the values in a regimen: texts with a unit, which become the pump's integers.

A dose or an amount of drug is converted with the file's [drug]: `Context` hands it to the validators.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from picoinfuse.common.errors import BadQuantity
from picoinfuse.common.schema import SKIPPED, refused
from picoinfuse.common.words import shown
from picoinfuse.dosing.dose import Quantity, parse_concentration, parse_weight_g
from picoinfuse.regimen.quantities import Drug, seconds

Segment = list[int]  # µL/h at its beginning, µL/h at its end, seconds, nL, as docs/protocol.md has it


@dataclass(frozen=True)
class Context:
    """What a quantity depends on besides its text. `drug` is None where [drug] itself is wrong."""

    drug: Drug | None


def _parsed(parse: Callable[[str], Any], value: Any, example: str) -> Any:
    if not isinstance(value, str):
        raise refused(
            "wrong_type", f'{shown(value)} is not text: write it in quotes with its unit, such as "{example}"'
        )
    try:
        return parse(value)
    except BadQuantity as error:
        raise refused("quantity", str(error)) from error


def _text(*examples: str) -> Any:
    return WithJsonSchema({"type": "string", "pattern": "^[0-9.]+ ?[^0-9].*$", "examples": list(examples)})


def _with_drug(value: Any, info: ValidationInfo, method: str, example: str) -> int:
    assert isinstance(info.context, Context)
    drug = info.context.drug
    if drug is None:
        raise refused(SKIPPED, "depends on [drug]")
    return _parsed(getattr(drug, method), value, example)


def rate_ul_h(value: Any, info: ValidationInfo) -> int:
    """The rate of a text: mL/h, or a dose of the file's drug."""
    return _with_drug(value, info, "rate_ul_h", "5 mL/h")


def _volume_nl(value: Any, info: ValidationInfo) -> int:
    return _with_drug(value, info, "volume_nl", "50 mL")


def _alone(parse: Callable[[str], Any], example: str) -> BeforeValidator:
    return BeforeValidator(lambda value: _parsed(parse, value, example))


RATE_TEXT = {"type": "string", "pattern": "^[0-9.]", "examples": ["5 mL/h", "10 mg/h", "0.1 µg/kg/min"]}
Rate = Annotated[int, BeforeValidator(rate_ul_h), WithJsonSchema(RATE_TEXT)]
Volume = Annotated[int, BeforeValidator(_volume_nl), _text("50 mL", "500 mg")]
Duration = Annotated[int, _alone(seconds, "30 min"), _text("30 min", "72 h", "7 d")]
Concentration = Annotated[
    Quantity, _alone(parse_concentration, "4 mg/mL"), _text("4 mg/mL", "16 µg/mL", "800 mg/500 mL")
]
Weight = Annotated[
    int,
    _alone(parse_weight_g, "70 kg"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9.]+ ?(kg)?$", "examples": ["70 kg", "3.45 kg"]}),
]
