"""The base of every schema of a file: a pydantic model that finds all mistakes in one go and says them plainly.

    class Sensor(Table):
        '''The pressure sensor.'''
        offset_mv: int = Field(ge=0, le=3300, description="Output at no pressure.")

    sensor = validate(Sensor, document, ProfileError)

From the same models come the JSON Schema and the reference page of each kind of file (`reference.py`).
Importing pydantic takes 0.1 s: import a schema inside the function that reads a file, not above it.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from picoinfuse.common.errors import FileError, Mistake
from picoinfuse.common.explain import adapter, custom, explained, fields_by_key, unknown
from picoinfuse.common.toml import Document, KeyPath

SKIPPED = "skipped"  # of a value that cannot be judged, because of a mistake elsewhere in the file

Model = TypeVar("Model", bound="Table")


class Finding(NamedTuple):
    """A mistake: its name, the key below the table that was checked, and what to say."""

    name: str
    path: KeyPath
    message: str


Check = Callable[..., Iterator[Finding]]


class Table(BaseModel):
    """A table of a file. `checks` are what must hold across its keys.

    A check names the fields it needs as its parameters. It runs when they are valid, whatever else is wrong.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_by_name=True)
    checks: ClassVar[tuple[Check, ...]] = ()
    place: ClassVar[str] = "{where}"  # for the message of an unknown key: " in [table]"

    @model_validator(mode="wrap")
    @classmethod
    def _find_all(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        if not isinstance(data, dict):
            return handler(data)  # the table that holds this one explains the error
        known = fields_by_key(cls)
        found = [unknown(key, known, cls.place) for key in data if key not in known]
        right: Self | None = None
        try:
            right = handler({key: value for key, value in data.items() if key in known})
            values = {name: getattr(right, name) for name in cls.model_fields}
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                found += explained(detail, data, known, info)
            values = _valid_fields(cls, data, {detail["loc"][0] for detail in error.errors()}, info)
        found += [custom(*finding) for finding in _run(cls.checks, values)]
        if found or right is None:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return right


def validate(model: type[Model], document: Document, wrong: type[FileError], context: Any = None) -> Model:
    """The model of a document. Raises `wrong` with every mistake and its line."""
    try:
        return model.model_validate(document.values, context=context)
    except ValidationError as error:
        raise wrong(document.file, mistakes_of(error, document)) from error


def mistakes_of(error: ValidationError, document: Document) -> list[Mistake]:
    """Every mistake of a validation, each once and with its line."""
    found: dict[Mistake, None] = {}
    for detail in error.errors(include_url=False):
        context = detail.get("ctx", {})
        path = _path((*detail["loc"], *context.get("below", ())), document.values)
        where = f" in [{'.'.join(str(part) for part in path[:-1])}]" if len(path) > 1 else ""
        message = detail["msg"].replace("{where}", where)
        if detail["type"] != SKIPPED:
            found[Mistake(detail["type"], document.line(path), message)] = None
    return list(found)


def refused(name: str, message: str) -> PydanticCustomError:
    """What the validator of a value raises: the kind of mistake, and a sentence that the key is put before."""
    context: dict[str, Any] = {"text": message, "value": True}
    return PydanticCustomError(name, "{text}", context)  # pyright: ignore[reportArgumentType]


def _run(checks: tuple[Check, ...], values: Mapping[str, Any]) -> Iterator[Finding]:
    for check in checks:
        needed = inspect.signature(check).parameters
        if needed.keys() <= values.keys():
            yield from check(**{name: values[name] for name in needed})


def _valid_fields(
    model: type[BaseModel], data: dict[str, Any], faulty: Set[Any], info: ValidationInfo
) -> dict[str, Any]:
    """The fields without a mistake, validated one by one, for the checks that need no other."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key not in faulty:
            default = field.get_default(call_default_factory=True, validated_data={})
            values[name] = adapter(field).validate_python(data[key], context=info.context) if key in data else default
    return values


def _path(loc: tuple[Any, ...], values: Any) -> KeyPath:
    """Where an error is in the file: without the names of kinds and the marks that pydantic adds."""
    path: list[str | int] = []
    for at, part in enumerate(loc):
        if (isinstance(values, dict) and part in values) or (isinstance(values, list) and isinstance(part, int)):
            values = values[part]
        elif part == "[key]" or at < len(loc) - 1:
            continue
        path.append(part)
    return tuple(path)
