"""An emulated Pico that runs the production image, and a client without a thread: time passes only while it waits."""

import functools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from picoinfuse.client import frame
from picoinfuse.common import paths
from picoinfuse.common.errors import FrameError
from picoinfuse.emulator.device import Pico
from picoinfuse.emulator.world import World
from picoinfuse.flash import image
from picoinfuse.profile import load_profile
from picoinfuse.trace.trace import Trace

ENABLE = 4
MS = 1_000_000


def newest_image() -> Path | None:
    found = sorted(paths.build().glob("picoinfuse-*.uf2"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


class Board:
    """An emulated Pico with the world of `profile` around it. A client without a thread."""

    def __init__(self, file: Path, flash: Path, profile: str = "syringe-50ml") -> None:
        self.image = image.load(file)
        self.text = b""
        self._lines = frame.Lines()
        self.frames: list[dict[str, Any]] = []
        self.pico = Pico(self.image.file, flash, self._take)
        self.trace = Trace()
        self.world = World(self.pico, load_profile(profile).world(), seed=1, trace=self.trace)
        self._id = 0
        self.boot = 0

    def _take(self, data: bytes) -> None:
        self.text += data
        for line in self._lines.feed(data):
            with suppress(FrameError):  # the prompt's own words
                self.frames.append(frame.decode(line))

    def run_until(self, found: Callable[[], Any], limit_ms: int) -> Any:
        """Lets virtual time pass until `found()` is true; fails after `limit_ms` of it."""
        for _ in range(limit_ms // 10):
            if result := found():
                return result
            self.pico.run(10 * MS)
        raise AssertionError(f"not within {limit_ms} ms; last words: {self.text[-300:]!r}")

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        request = {"id": self._id, "method": method, "params": params, "boot": self.boot}
        self.pico.usb.send(frame.encode(request))
        return self.run_until(functools.partial(self._reply, self._id), 2000)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a request; if it is a proposal, confirms it too."""
        reply = self.request(method, **params)
        assert "error" not in reply, reply
        result = reply["result"]
        return self.ask("confirm", token=result["token"]) if "token" in result else result

    def _reply(self, number: int) -> dict[str, Any] | None:
        return next((message for message in self.frames if message.get("id") == number), None)

    def hello(self) -> dict[str, Any]:
        """After a reset: waits for the pump, and takes the number of its boot."""
        self.run_until(lambda: any(message.get("method") == "ready" for message in self.frames), 5000)
        self._id += 1
        self.pico.usb.send(frame.encode({"id": self._id, "method": "hello"}))
        result = self.run_until(functools.partial(self._reply, self._id), 2000)["result"]
        self.boot = result["boot"]
        return result

    def prompt(self) -> None:
        """By `service` to MicroPython's raw prompt."""
        starts = len(self.pico.starts)
        self.ask("service")
        self.run_until(lambda: len(self.pico.starts) > starts and self.pico.usb.connected, 5000)
        self.raw_prompt()

    def raw_prompt(self) -> None:
        self.text = b""
        self.pico.usb.send(b"\x01")
        self.run_until(lambda: self.text.endswith(b"\r\n>"), 2000)

    def execute(self, script: str) -> str:
        """At the raw prompt: what the script prints."""
        self.text = b""
        self.pico.usb.send(script.encode() + b"\x04")
        self.run_until(lambda: self.text.endswith(b"\x04>"), 20_000)
        said, error = self.text.removeprefix(b"OK").removesuffix(b"\x04>").split(b"\x04")
        assert not error, error.decode()
        return said.decode().strip()

    def reset(self) -> None:
        self.forget()
        self.pico.reset()

    def forget(self) -> None:
        """Drops frames and a half line left from the last run."""
        self.frames.clear()
        self._lines = frame.Lines()
