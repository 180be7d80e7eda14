"""Runs code on the board in its REPL, entered with the pump's `service` command; used to damage files on the flash.

It uses the raw REPL over the serial connection of the bench's client, so it works in granted time and without a second
program at the port.
"""

from __future__ import annotations

from picoinfuse.bench.base import Bench
from picoinfuse.common.errors import PicoinfuseError

_HAND_OVER_S = 1.0  # the pump shuts down within 0.2 s and boots into the REPL
_RUN_LIMIT_S = 20.0  # more than a Pico needs to read all its files
_POLL_S = 0.1
_RESET_S = 0.5
_PROMPT_S = 0.1
_RAW, _FRIENDLY, _EXECUTE = b"\x01", b"\x02", b"\x04"
_ENTERED, _PROMPT = b"raw REPL", b">>> "


class ReplFailed(PicoinfuseError):
    """The REPL did not start, did not finish in time, or the code raised an exception."""


def enter_repl(bench: Bench) -> None:
    """Puts an idle pump into service, so that it shows the REPL. Raises ReplFailed, or PumpError if it refuses."""
    bench.pump.service()
    bench.sleep(_HAND_OVER_S)
    if not bench.pump.link.wait_for_prompt(_HAND_OVER_S):
        raise ReplFailed("the pump entered service, but showed no REPL prompt")


def run_in_repl(bench: Bench, code: str) -> str:
    """Executes `code` on a board that shows the REPL. Returns its output, at most about 200 characters. Raises
    ReplFailed.
    """
    bench.write_raw(_RAW + code.encode() + _EXECUTE)
    end_s = bench.now() + _RUN_LIMIT_S
    while (answer := _answer(bench)).count(_EXECUTE) < 2:
        if bench.now() > end_s:
            raise ReplFailed(f"the code did not finish in {_RUN_LIMIT_S:.0f} s; output: {bench.pump.link.heard()!r}")
        bench.sleep(_POLL_S)
    bench.write_raw(_FRIENDLY)  # shows a prompt, by which the next client recognizes the REPL without waiting
    bench.sleep(_PROMPT_S)
    output, _, rest = answer.partition(_EXECUTE)
    error = rest.partition(_EXECUTE)[0]
    if error:
        raise ReplFailed(f"the code raised {error.decode(errors='replace').strip().splitlines()[-1]}")
    return output.decode(errors="replace").strip()


def _answer(bench: Bench) -> bytes:
    """Output after the last raw prompt's OK; empty if that prompt belongs to an earlier call."""
    output = bench.pump.link.heard().rpartition(_ENTERED)[2]
    return b"" if _PROMPT in output else output.partition(b"OK")[2]


def leave_repl(bench: Bench) -> None:
    """Resets the chip from the REPL. Does not wait for a pump, because the firmware may not start."""
    bench.write_raw(_RAW + b"import machine\nmachine.reset()" + _EXECUTE)
    bench.sleep(_RESET_S)
