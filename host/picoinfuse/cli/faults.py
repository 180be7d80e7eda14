"""`picoinfuse faults`: how the pump reacts to each fault in each state."""

from picoinfuse.campaign.outcomes import OUTCOMES, markdown
from picoinfuse.cli.common import print_json
from picoinfuse.cli.options import JsonOption


def faults(as_json: JsonOption = False) -> None:
    """Print how the pump reacts to each fault in each state, as in docs/faults.md."""
    if as_json:
        rows = {name: {state: str(outcome) for state, outcome in row.items()} for name, row in OUTCOMES.items()}
        print_json(rows)
        return
    print(markdown(), end="")
