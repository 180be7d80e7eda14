"""How the modules of the firmware hang together: no circle among imports, and no part that holds the whole pump."""

import ast
from pathlib import Path

PUMP = Path(__file__).parents[1] / "pump"
MODULES = {
    ".".join(path.relative_to(PUMP.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PUMP.rglob("*.py")
}


def imported(path):
    """The modules of the pump that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        else:
            continue
        yield from (name for name in names if name in MODULES and MODULES[name].name != "__init__.py")


def test_no_module_imports_itself_through_others():
    arrows = {name: set(imported(path)) for name, path in MODULES.items()}
    assert sum(len(names) for names in arrows.values()) > 100
    while True:
        leaves = [name for name, names in arrows.items() if not names & arrows.keys()]
        if not leaves:
            break
        for name in leaves:
            del arrows[name]
    assert not arrows, f"a circle of imports among {sorted(arrows)}"


def test_no_part_holds_the_app():
    holders = [name for name, path in MODULES.items() if "_app" in path.read_text().replace("_apply", "")]
    assert not holders
