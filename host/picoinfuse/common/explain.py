"""What is wrong with one value, in words: pydantic's errors in the terms of the field that they are about."""

import difflib
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from picoinfuse.common.words import described, one_of, shown

MAX_LISTED = 8  # known keys that a message lists where none is near the unknown one

_OUT_OF_RANGE = frozenset(
    ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "literal_error", "finite_number")
)
_UNION = frozenset(("union_tag_invalid", "union_tag_not_found"))


def fields_by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the key that stands in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def json_schema_of(field: FieldInfo) -> dict[str, Any]:
    """The JSON Schema of one field."""
    return adapter(field).json_schema()


def adapter(field: FieldInfo) -> TypeAdapter[Any]:
    """Validates one field by itself."""
    more = [Field(discriminator=field.discriminator)] if field.discriminator else []
    annotated: Any = Annotated[field.annotation, *field.metadata, *more, None]  # pyright: ignore[reportInvalidTypeForm]
    return TypeAdapter(annotated)


def custom(name: str, path: tuple[Any, ...], message: str) -> InitErrorDetails:
    """A mistake at a path below the table; {where} in the message becomes the table\'s name."""
    context: dict[str, Any] = {"text": message, "below": path}
    error = PydanticCustomError(name, "{text}", context)  # pyright: ignore[reportArgumentType]
    return InitErrorDetails(type=error, loc=(), input=None)


def unknown(key: str, known: dict[str, FieldInfo], place: str) -> InitErrorDetails:
    """A key that the table does not take."""
    near = difflib.get_close_matches(key, known, 1)
    if near:
        advice = f"; did you mean {near[0]}?"
    else:
        advice = f"; it takes {one_of(list(known)).replace(' or ', ' and ')}" if len(known) <= MAX_LISTED else ""
    name = key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else shown(key)
    return custom("unknown_key", (key,), f"unknown key {name}{place}{advice}")


def explained(
    detail: ErrorDetails, data: dict[str, Any], known: dict[str, FieldInfo], info: ValidationInfo
) -> list[InitErrorDetails]:
    """What pydantic says of a value, in words, and in the terms of the field."""
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if context.pop("value", False):
        context["text"] = f"{loc[0]}: {context['text']}"
    if "text" in context:  # said already, by a table within this one or by a validator of ours
        error = PydanticCustomError(kind, "{text}", context)  # pyright: ignore[reportArgumentType]
        return [InitErrorDetails(type=error, loc=loc, input=None)]
    key = str(loc[0])
    field = known[key]
    wanted = described(json_schema_of(field))
    if kind == "missing":
        return [custom("missing_key", (key,), _missing(key, field, wanted))]
    if kind in _UNION and isinstance(data[key], dict):
        return _union(key, data[key], field, info)
    name = "out_of_range" if kind in _OUT_OF_RANGE else "wrong_type"
    return [custom(name, loc, f"{key} is {shown(data[key])}, must be {wanted}")]  # pyright: ignore[reportArgumentType]


def _missing(key: str, field: FieldInfo, wanted: str) -> str:
    purpose = f": {_begin_small(field.description)}" if field.description else ""
    if wanted == "a table":
        return f"the table [{key}] is missing{purpose}"
    return f"{key} is missing{{where}}{purpose}; {wanted}"


def _union(key: str, data: dict[str, Any], field: FieldInfo, info: ValidationInfo) -> list[InitErrorDetails]:
    """A table that takes other keys for each kind, and whose kind is missing or wrong: what is wrong for every kind."""
    tag = str(field.discriminator)
    models = [choice for choice in get_args(field.annotation) if choice is not type(None)]
    choices = {get_args(model.model_fields[tag].annotation)[0]: model for model in models}
    if tag in data:
        found = [custom("out_of_range", (key, tag), f"{tag} is {shown(data[tag])}, must be {one_of(list(choices))}")]
    else:
        found = [custom("missing_key", (key, tag), f"{tag} is missing{{where}}: {one_of(list(choices))}")]
    each: list[dict[Any, ErrorDetails]] = []
    for kind, choice in choices.items():
        try:
            choice.model_validate({**data, tag: kind}, context=info.context)
            each.append({})
        except ValidationError as error:
            # The same mistake may come with other advice for each kind.
            each.append({(d["loc"], d["type"], d.get("ctx", {}).get("below")): d for d in error.errors()})
    for which, detail in each[0].items():
        if all(which in others for others in each):
            context: dict[str, Any] = detail.get("ctx", {})
            error = PydanticCustomError(detail["type"], "{text}", context)  # pyright: ignore[reportArgumentType]
            found.append(InitErrorDetails(type=error, loc=(key, *detail["loc"]), input=None))
    return found


def _begin_small(sentence: str) -> str:
    """For the middle of another sentence; abbreviations such as GPIO keep their capitals."""
    small = sentence[0].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence
    return small.removesuffix(".")
