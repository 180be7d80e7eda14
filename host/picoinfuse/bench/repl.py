"""Code on the board, through the pump's own way into the REPL: how a test breaks a file on the flash.

It speaks the raw REPL itself, over the line that the bench's client has, so it works in granted time and needs
no second program at the port.
"""

from __future__ import annotations

from picoinfuse.bench.base import Bench
from picoinfuse.common.errors import PicoinfuseError

_HAND_OVER_S = 1.0  # the pump leaves within 0.2 s and boots into the REPL
_RUN_LIMIT_S = 20.0  # a Pico reads all its files, and more than that
_LOOK_S = 0.1
_RESET_S = 0.5
_PROMPT_S = 0.1
_RAW, _FRIENDLY, _EXECUTE = b"\x01", b"\x02", b"\x04"
_ENTERED, _PROMPT = b"raw REPL", b">>> "


class ReplFailed(PicoinfuseError):
    """The REPL did not come, or the code raised."""


def enter_repl(bench: Bench) -> None:
    """Asks an idle pump for `service`."""
    bench.pump.service()
    bench.sleep(_HAND_OVER_S)
    if not bench.pump.link.wait_for_prompt(_HAND_OVER_S):
        raise ReplFailed("the pump went into service, but no prompt came")


def run_in_repl(bench: Bench, code: str) -> str:
    """Executes `code` on a board that shows the REPL; returns what it printed, up to some 200 characters."""
    bench.write_raw(_RAW + code.encode() + _EXECUTE)
    end_s = bench.now() + _RUN_LIMIT_S
    while (answer := _answer(bench)).count(_EXECUTE) < 2:
        if bench.now() > end_s:
            raise ReplFailed(f"the REPL did not finish: it said {bench.pump.link.heard()!r}")
        bench.sleep(_LOOK_S)
    bench.write_raw(_FRIENDLY)  # who asks next who is there is shown a prompt, and need not wait
    bench.sleep(_PROMPT_S)
    output, _, rest = answer.partition(_EXECUTE)
    error = rest.partition(_EXECUTE)[0]
    if error:
        raise ReplFailed(f"the code raised: {error.decode(errors='replace').strip().splitlines()[-1]}")
    return output.decode(errors="replace").strip()


def _answer(bench: Bench) -> bytes:
    """What came behind the last raw prompt's OK; nothing when that was the prompt of a call before."""
    said = bench.pump.link.heard().rpartition(_ENTERED)[2]
    return b"" if _PROMPT in said else said.partition(b"OK")[2]


def leave_repl(bench: Bench) -> None:
    """Resets the chip from the REPL. Does not wait for a pump: there may be none."""
    bench.write_raw(_RAW + b"import machine\nmachine.reset()" + _EXECUTE)
    bench.sleep(_RESET_S)
