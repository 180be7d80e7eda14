"""Requests and replies over one open port.

One reader thread owns the port. It cuts the bytes into lines and, before it calls `read()` again, has handled
every complete one: a reply goes to the request with its id, a notification to the callback. So who sees the
reader ask for more knows that all before it is done.

A request that gets no reply is sent again, the very same bytes, at most twice; the pump executes it at most
once. A link lives as long as its port: after a reconnect there is a new one, and nothing of the old is sent
again.
"""

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import serial

from picoinfuse.client.frame import Lines, decode, encode
from picoinfuse.client.pending import Pending, error_of, result_of
from picoinfuse.client.port import Port
from picoinfuse.client.serial_log import Traffic
from picoinfuse.common.errors import (
    BadReply,
    FrameError,
    LinkClosed,
    NoAnswer,
    NotAPump,
    PortStalled,
    PortVanished,
    ReplAnswers,
)

ATTEMPTS = 3  # one, and two again
NOISE_BYTES = 4096  # of what is no frame, kept to say what answers
UNMATCHED_REPLIES = 64
# Always nine digits, so that lines keep their length from run to run; below 2**30.
FIRST_ID, LAST_ID = 100_000_000, 999_999_999
CLOSE_TIMEOUT_S = 5.0

PROMPTS = (b">>> ", b"raw REPL; CTRL-B to exit\r\n>")

log = logging.getLogger(__name__)


class Link:
    """`on_notification(method, params)` and `on_lost(error)` run in the reader thread: no requests there."""

    def __init__(
        self,
        port: Port,
        url: str,
        on_notification: Callable[[str, dict[str, Any]], None],
        on_lost: Callable[[PortVanished], None],
        traffic: Traffic | None = None,
    ) -> None:
        self.url = url
        self._traffic = traffic or Traffic()
        self.lost: PortVanished | None = None  # set once, by whoever meets the error first
        self.unmatched: deque[dict[str, Any]] = deque(maxlen=UNMATCHED_REPLIES)  # the oldest goes
        self._port = port
        self._on_notification = on_notification
        self._on_lost = on_lost
        # A random start: the pump remembers the last ids while our programs come and go, and would take an
        # equal request with an equal id for a repeated one.
        self._next_id = FIRST_ID + secrets.randbelow(LAST_ID - FIRST_ID + 1)
        self._lines = Lines()
        self._noise = b""  # the newest lines that were no frames
        self._pending: Pending | None = None
        self._prompt_seen = False  # since the last request began
        self._closing = False
        self._changed = threading.Condition()
        self._request_lock = threading.Lock()  # one request at a time
        self._write_lock = threading.Lock()  # also held to close the port: nobody writes to a closed one
        self._reader = threading.Thread(target=self._read_loop, name=f"link {url}", daemon=True)
        self._reader.start()

    def request(self, method: str, params: dict[str, Any] | None, boot: int | None, timeout_s: float) -> Any:
        """The undecoded `result` of the reply. `timeout_s` is for each attempt.

        Raises PumpError when the pump refuses, NoAnswer after three attempts, PortVanished, PortStalled, LinkClosed,
        NotAPump when something else answers, FrameError when the request does not fit a line.
        """
        if threading.current_thread() is self._reader:
            raise LinkClosed("a callback may not send a request: it holds up the thread that takes the reply")
        with self._request_lock:
            message: dict[str, Any] = {"id": self._take_id(), "method": method}
            if params:
                message["params"] = params
            if boot is not None:
                message["boot"] = boot
            line = encode(message)
            pending = Pending(message["id"], line)
            with self._changed:
                self._pending = pending
                self._prompt_seen = False
            try:
                return self._exchange(pending, line, method, timeout_s)
            finally:
                with self._changed:
                    self._pending = None

    def write(self, data: bytes) -> None:
        """Raw bytes; a bench tries the pump's ears with them."""
        with self._write_lock:
            self._check_open()
            self._traffic.sent(data)
            try:
                self._port.write(data)
            except serial.SerialTimeoutException as error:
                raise PortStalled(self.url, f"{self.url} takes no data; reset the board") from error
            except OSError as error:
                raise self._set_lost(error) from error

    def heard(self) -> bytes:
        """The newest bytes that were no frame."""
        return (self._noise + self._lines.rest())[-NOISE_BYTES:]

    def wait_for_prompt(self, timeout_s: float) -> bool:
        """True when a MicroPython prompt came since the last request began; False after the time, or lost."""
        with self._changed:
            self._changed.wait_for(lambda: self._prompt_seen or self.lost is not None, timeout_s)
            return self._prompt_seen

    def close(self) -> None:
        """Ends the reader, which closes the port."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if threading.current_thread() is not self._reader:
            self._reader.join(CLOSE_TIMEOUT_S)

    # Sender's side

    def _exchange(self, pending: Pending, line: bytes, method: str, timeout_s: float) -> Any:
        unread = None
        for attempt in range(1, ATTEMPTS + 1):
            self.write(line)
            with self._changed:
                self._wait(pending, attempt == ATTEMPTS, timeout_s)
                if pending.reply is not None:
                    return result_of(pending.reply, method)
                self._check_stranger(pending)
                unread, pending.unread = pending.unread or unread, None
            self._check_open()
        if unread is not None:
            raise error_of(unread["error"], method)
        total_s = ATTEMPTS * timeout_s
        raise NoAnswer(f"no answer to {method} at {self.url}, asked {ATTEMPTS} times within {total_s:g} s")

    def _wait(self, pending: Pending, last: bool, timeout_s: float) -> None:
        """Until the reply comes, or the line was not understood and may be sent again at once.

        The last attempt waits for its reply only: an error without id may be about somebody else's bytes.
        """

        def settled() -> bool:
            if pending.reply is not None or (pending.unread is not None and not last):
                return True
            return pending.echoed or self._prompt_seen or self._closing or self.lost is not None

        self._changed.wait_for(settled, timeout_s)

    def _check_stranger(self, pending: Pending) -> None:
        if self._prompt_seen:
            raise ReplAnswers(self.url)
        if pending.echoed:
            raise NotAPump(f"what is at {self.url} sends back what it is sent; that is no pump")

    def _check_open(self) -> None:
        if self.lost is not None:
            raise PortVanished(self.url, str(self.lost))
        if self._closing:
            raise LinkClosed(f"the link to {self.url} was closed")

    def _take_id(self) -> int:
        request_id = self._next_id
        self._next_id = request_id + 1 if request_id < LAST_ID else FIRST_ID
        return request_id

    # Reader's side

    def _read_loop(self) -> None:
        try:
            while not self._closing and self.lost is None:
                if data := self._port.read(max(1, self._port.in_waiting)):
                    for line in self._lines.feed(data):
                        self._take_line(line)
                    self._look_for_strangers(self._lines.rest())
        except OSError as error:
            if not self._closing:
                self._set_lost(error)
        finally:
            with self._write_lock:
                self._port.close()
        if self.lost is not None:
            self._call(self._on_lost, self.lost)

    def _take_line(self, line: bytes) -> None:
        self._traffic.heard(line)
        try:
            message = decode(line)
        except FrameError:
            message = {}
        if "method" in message and "id" not in message:
            params = message.get("params")
            self._call(self._on_notification, str(message["method"]), params if isinstance(params, dict) else {})
        elif "id" in message and ("result" in message or "error" in message):
            self._take_reply(message)
        elif line.strip():
            self._noise = (self._noise + line + b"\n")[-NOISE_BYTES:]
            self._look_for_strangers(line)

    def _take_reply(self, message: dict[str, Any]) -> None:
        with self._changed:
            pending = self._pending
            if pending is not None and pending.reply is None and message["id"] == pending.request_id:
                pending.reply = message
            else:
                self.unmatched.append(message)  # late, doubled, or about a line that had no id
                if pending is not None and message["id"] is None and "error" in message:
                    pending.unread = message
            self._changed.notify_all()

    def _look_for_strangers(self, text: bytes) -> None:
        """`text` is no frame, or not yet one. A prompt or our own request in it is not from a pump."""
        with self._changed:
            self._prompt_seen = self._prompt_seen or self.heard().endswith(PROMPTS)
            if self._pending is not None and self._pending.body in text:
                self._pending.echoed = True
            self._changed.notify_all()

    def _set_lost(self, error: OSError) -> PortVanished:
        with self._changed:
            if self.lost is None:
                text = f"{self.url} has gone: unplugged, or the board was reset ({error})"
                self.lost = PortVanished(self.url, text)
            self._changed.notify_all()
            return self.lost

    def _call(self, callback: Callable[..., None], *args: Any) -> None:
        try:
            callback(*args)
        except BadReply as error:  # a malformed notification is the pump's fault, and no reason for a traceback
            log.warning("from %s: %s", self.url, error)
        except Exception:  # a fault in somebody's callback must not stop the reader
            log.exception("a callback of the link to %s failed", self.url)
