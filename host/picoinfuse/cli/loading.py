"""Commands by name: the module of a command is imported when the command runs, not before.

`picoinfuse --help` prints the first line of every command's docstring. It reads the docstrings from the
source, because importing all commands takes most of a second.
"""

import ast
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from typing import Any, ClassVar, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup

HERE = __name__.rpartition(".")[0]


class Command(NamedTuple):
    """One command. `target` is `MODULE:NAME` in this package: a function, or a typer.Typer with subcommands."""

    name: str
    target: str
    section: str  # heading in --help

    @property
    def module(self) -> str:
        return f"{HERE}.{self.target.partition(':')[0]}"

    @property
    def attribute(self) -> str:
        return self.target.partition(":")[2]


class CommandGroup(TyperGroup):
    """The commands of `table`. A subclass sets `table`."""

    table: ClassVar[Mapping[str, Command]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Names only: typer lists them, and searches them for what a misspelled command may have meant.
        self.commands = {row.name: TyperCommand(row.name, rich_help_panel=row.section) for row in self.table.values()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None when there is no such command."""
        row = self.table.get(cmd_name)
        return None if row is None else load(row)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help with the summaries, without importing the commands."""
        for name, command in self.commands.items():
            command.help = summary(self.table[name])
        TyperGroup(
            name=self.name, help=self.help, params=self.params, commands=dict(self.commands)
        ).format_help(ctx, formatter)  # fmt: skip


def load(row: Command) -> TyperCommand | TyperGroup:
    """Import the module of a command and make the command. Raises AttributeError when the table is wrong."""
    target = getattr(import_module(row.module), row.attribute)
    app = target if isinstance(target, typer.Typer) else _app_of(row.name, target)
    command = typer.main.get_command(app)
    command.name = row.name
    return cast(TyperCommand | TyperGroup, command)


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name a negative number as such; typer takes it for an option."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            option = getattr(error, "option_name", "")
            if not re.match(r"-[.\d]", option):
                raise
            number = next((argument for argument in args if argument.startswith(option)), option)
            raise typer.BadParameter(f"{number} is negative; give a number above 0", ctx=ctx) from error


def _app_of(name: str, function: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, cls=_Command)(function)
    return app


def summary(row: Command) -> str:
    """The first line of the docstring: of the function, or of the module where the command has subcommands."""
    lines = (_docstrings(row.module).get(row.attribute) or "").splitlines()
    return lines[0] if lines else ""


@cache
def _docstrings(module: str) -> dict[str, str]:
    """By the name of the function; for `app`, the module's own."""
    spec = find_spec(module)
    assert spec is not None
    source = cast(SourceFileLoader, spec.loader).get_source(module)
    tree = ast.parse(source or "")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = {node.name: ast.get_docstring(node) for node in functions}
    return {name: text for name, text in {**found, "app": ast.get_docstring(tree)}.items() if text}
