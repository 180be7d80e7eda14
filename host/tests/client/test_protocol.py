"""The client, the documentation and the fake pump hold to the firmware's one table of methods."""

import dataclasses
import inspect
import subprocess
import sys
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from picoinfuse.client import reference, wire
from picoinfuse.client.caller import CONFIRM, ProposalReply
from picoinfuse.client.method import Command, Query, TwoStep
from picoinfuse.client.methods import flow, maintenance
from picoinfuse.client.notifications import NOTIFICATIONS
from picoinfuse.client.pump import Pump, methods
from picoinfuse.common import paths
from picoinfuse.common.firmware_tables import pure_module

SCHEMA = pure_module("pump.link.schema")
KINDS = {SCHEMA.QUERY: Query, SCHEMA.COMMAND: Command, SCHEMA.TWO_STEP: TwoStep}
PAGE = paths.root() / "docs" / "protocol.md"


def test_every_method_of_the_firmware_has_a_shape_and_no_other_exists() -> None:
    assert set(methods()) == set(SCHEMA.METHODS)


@pytest.mark.parametrize("name", SCHEMA.METHODS)
def test_kind_and_parameters_are_the_firmwares(name: str) -> None:
    kind, parameters = SCHEMA.METHODS[name]
    method = methods()[name]
    assert type(method) is KINDS[kind]
    assert set(method.notes) == {parameter[0] for parameter in parameters}


@pytest.mark.parametrize("name", sorted(set(SCHEMA.METHODS) - {CONFIRM.name}))
def test_every_method_can_be_called_and_says_what_it_does(name: str) -> None:
    call = getattr(Pump, name)
    assert inspect.getdoc(call)


def test_choices_are_the_firmwares() -> None:
    supervisor, table = pure_module("pump.core.supervisor"), pure_module("pump.core.alarms.table")
    assert get_args(wire.State) == supervisor.STATES
    assert ("none", *get_args(wire.Priority)) == table.PRIORITIES


@pytest.mark.parametrize(
    ("choices", "file", "name"),
    [
        (flow.Outcome, "storage/last_therapy.py", "OUTCOMES"),
        (flow.RegimenKind, "core/therapy/regimen.py", "KINDS"),
        (get_type_hints(maintenance.Battery)["state"], "core/battery.py", "NAMES"),
    ],
)
def test_choices_of_other_modules_are_the_firmwares(choices: Any, file: str, name: str) -> None:
    lines = (paths.firmware() / "pump" / file).read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"{name} = "))
    assert get_args(choices) == eval(line.partition("=")[2])


def hints_in(hint: Any) -> Any:
    """Every annotation within a shape's, with what limits it."""
    yield hint
    if dataclasses.is_dataclass(hint):
        for inner in get_type_hints(hint, include_extras=True).values():
            yield from hints_in(inner)
    elif get_origin(hint) is not Annotated:
        for inner in get_args(hint):
            if not isinstance(inner, str):
                yield from hints_in(inner)
    elif get_args(get_args(hint)[0]):
        yield from hints_in(get_args(hint)[0])


@pytest.mark.parametrize("shape", [*(m.reply for m in methods().values()), *NOTIFICATIONS.values()])
def test_no_number_and_no_text_is_without_limits(shape: Any) -> None:
    for hint in hints_in(shape):
        assert hint not in (int, str, float, dict, list, Any), f"{shape.__name__} has a bare {hint}"


def test_every_field_is_described() -> None:
    told = [*(method.reply for method in methods().values()), *NOTIFICATIONS.values(), ProposalReply]
    for shape in {hint for reply in told for hint in hints_in(reply)}:
        if isinstance(shape, type) and dataclasses.is_dataclass(shape):
            assert set(reference.field_texts(shape)) == {field.name for field in dataclasses.fields(shape)}, shape


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text("utf-8")
    assert reference.updated(text) == text, "docs/protocol.md is out of date: run make docs"


def test_a_page_that_was_edited_by_hand_is_out_of_date() -> None:
    text = PAGE.read_text("utf-8")
    assert reference.updated(text.replace("`delivered_nl`", "`delivered`", 1)) == text


def test_the_client_loads_nothing_heavy() -> None:
    """The command line starts with it."""
    heavy = ("numpy", "matplotlib", "rich", "typer", "jinja2", "pydantic")
    code = f"import sys, picoinfuse.client.pump; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
