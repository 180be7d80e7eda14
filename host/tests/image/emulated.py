"""An emulated Pico that runs the production image, and a client without a thread: time passes only while it waits."""

import functools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from picoinfuse import frame, paths
from picoinfuse.emulator.device import Pico
from picoinfuse.errors import FrameError
from picoinfuse.flash import image

STEP, ENABLE, STRAP, PRESSURE_ADC = 2, 4, 22, 0
MS = 1_000_000


def newest_image() -> Path | None:
    found = sorted(paths.build().glob("picoinfuse-*.uf2"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


class Edges:
    """Counts the rising edges of a wire."""

    def __init__(self) -> None:
        self.rising = 0

    def on_level(self, t_ns: int, level: int) -> None:
        self.rising += level


class Board:
    """An emulated Pico with an open line: the sensor reads no pressure, with noise. A client without a thread."""

    def __init__(self, file: Path, flash: Path) -> None:
        self.image = image.load(file)
        self.text = b""
        self._lines = frame.Lines()
        self.frames: list[dict[str, Any]] = []
        self.pico = Pico(self.image.file, flash, self._take)
        self.steps = Edges()
        self.pico.nets[STEP].listeners.append(self.steps)
        self.pico.nets[STRAP].pull(1)
        # 500 mV of 3300 mV are 620 of 4096 counts; a sensor that never changes would be a frozen one
        self.pico.analog(PRESSURE_ADC, lambda t_ns: 620 + t_ns // 100 % 3)
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
        reply = self.request(method, **params)
        assert "error" not in reply, reply
        return reply["result"]

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
        """Before a start: what the last one said, and half a line of the prompt, is none of the next one's."""
        self.frames.clear()
        self._lines = frame.Lines()
