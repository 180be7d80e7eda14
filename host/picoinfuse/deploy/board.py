"""The board to deploy to, through mpremote."""

import json
from collections.abc import Callable

from picoinfuse.common.errors import DeployError
from picoinfuse.deploy.mpremote import Runner, device
from picoinfuse.deploy.on_board import SURVEY, Found, final_path
from picoinfuse.deploy.plan import Plan

Say = Callable[[str], None]


class Board:
    def __init__(self, port: str, run: Runner) -> None:
        self._device = device(port)
        self._run = run

    def survey(self) -> Found:
        """Raises DeployError when the board does not identify itself."""
        found = Found()
        self._do(["exec", SURVEY], lambda line: _take(found, line))
        if not found.block_bytes:
            raise DeployError(f"the board at {self._device} did not identify itself; is it a Pico with MicroPython?")
        return found

    def carry_out(self, todo: Plan, progress: Say) -> int:
        """Returns the number of files that an earlier deployment had already copied."""
        if todo.nothing:
            self.reset()
            return 0
        begun = already = 0

        def take(line: str) -> None:
            nonlocal begun, already
            if line.startswith("cp "):
                begun += 1
                progress(f"copying file {begun} of {len(todo.send)}: {final_path(line.rpartition(':')[2])}")
            already += line.startswith("Up to date: ")

        self._do(todo.commands(), take)
        return already

    def reset(self) -> None:
        self._do(["reset"], lambda line: None)

    def _do(self, commands: list[str], take: Say) -> None:
        self._run(["connect", self._device, *commands], take)


def _take(found: Found, line: str) -> None:
    """Parses one line of SURVEY's report."""
    kind, _, rest = line.partition(" ")
    if kind == "file":
        digest, size, path = rest.split(" ", 2)
        found.files[path] = digest, int(size)
    elif kind == "board":
        found.name, version, found.mpy, found.platform, found.machine = json.loads(rest)
        found.version = tuple(version)
    elif kind == "room":
        found.block_bytes, found.free_blocks = map(int, rest.split())
