"""A connection to one pump that outlives resets: who is there, which boot, what it told.

A port that vanishes is an event like an alarm. `reconnect()` opens the port again, under another device name
if the system gave it one, and says hello; the boot number tells whether the pump was reset meanwhile.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from picoinfuse.client.decode import decode
from picoinfuse.client.hello import HELLO, Hello
from picoinfuse.client.link import Link
from picoinfuse.client.notifications import NOTIFICATIONS, AlarmEvent, Event, Lost, Ready, StateEvent, Telemetry
from picoinfuse.client.port import Port, device_now, open_port, serial_number_of
from picoinfuse.client.serial_log import Traffic
from picoinfuse.client.wire import BootNumber, Index
from picoinfuse.common.errors import (
    LinkClosed,
    NoAlarm,
    NoAnswer,
    NotAPump,
    OtherProtocol,
    PicoinfuseError,
    PortError,
    PortVanished,
    PumpError,
    ReplAnswers,
)

PROTOCOL = 1
EVENTS_KEPT = 1000  # the oldest goes
ALARMS_KEPT = 256  # more than a pump has; the oldest goes
RECONNECT_HELLO_TIMEOUT_S = 0.5
RECONNECT_PAUSE_S = 0.05
PROMPT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class _Identity:
    """What a pump of any version must say of itself."""

    boot: BootNumber
    protocol: Index


class Session:
    """Callbacks run in the reader thread: be quick, send no requests."""

    def __init__(self, port: str | Port, timeout_s: float = 2.0) -> None:
        self.on_telemetry: Callable[[Telemetry], None] | None = None
        self.on_alarm: Callable[[AlarmEvent], None] | None = None
        self.on_state: Callable[[StateEvent], None] | None = None
        self.on_lost: Callable[[Lost], None] | None = None
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.last_telemetry: Telemetry | None = None
        self.active_alarms: dict[str, AlarmEvent] = {}  # as far as notifications told, since the last boot
        self.boot: int | None = None  # of the last hello
        self.last_hello: Hello | None = None
        self.traffic = Traffic()  # through all reconnects
        self.timeout_s = timeout_s
        self._port = port
        self._serial_number: str | None = None
        self._link: Link | None = None
        self._event_count = 0
        self._ready_boot: int | None = None  # of the last `ready`
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> Hello:
        """Open the port and say hello; says what is there when it is no pump."""
        try:
            return decode(Hello, self.ask_who(), HELLO.name)
        except PicoinfuseError:
            self.close()
            raise

    def ask_who(self) -> dict[str, Any]:
        """As `connect`, but of a pump of any version, which may tell more or less of itself than this one knows."""
        try:
            self._open()
            try:
                return self._ask_hello(self.timeout_s)
            except ReplAnswers:
                raise
            except (NoAnswer, NotAPump) as error:
                raise _who_answers(self.link) from error
        except PicoinfuseError:
            self.close()
            raise

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def reconnect(self, timeout_s: float = 10.0, after_reset: bool = False) -> Hello:
        """Say hello until the pump answers; `after_reset`: with another boot number than before."""
        deadline = time.monotonic() + timeout_s
        old_boot = self.boot
        while True:
            try:
                self._open()
                hello = self._hello(RECONNECT_HELLO_TIMEOUT_S)
                if not after_reset or hello.boot != old_boot:
                    return hello
                problem: PicoinfuseError = NoAnswer(f"the pump at {self.link.url} answers but was not reset")
            except (PortError, NoAnswer, NotAPump, PumpError) as error:
                problem = error
            if time.monotonic() > deadline:
                raise problem
            time.sleep(RECONNECT_PAUSE_S)

    @property
    def device(self) -> str:
        """What to open to reach the board now: after a reset the system may have given it another name."""
        if not isinstance(self._port, str):
            raise LinkClosed("the pump was given an open port, which has no name")
        return device_now(self._port, self._serial_number)

    @property
    def link(self) -> Link:
        if self._link is None:
            raise LinkClosed("the pump is not connected; call connect() first")
        return self._link

    def write_raw(self, data: bytes) -> None:
        """Bytes as they are, for tests of the pump's ears."""
        self.link.write(data)

    def check_port(self) -> None:
        """Raises PortVanished when the port has gone."""
        if (lost := self.link.lost) is not None:
            raise PortVanished(self.link.url, str(lost))

    def wait_for_alarm(self, name: str, timeout_s: float) -> AlarmEvent:
        """Returns at once when the alarm is active, else when it becomes so. `timeout_s` is wall time."""
        with self._changed:
            since = self._event_count
            self._changed.wait_for(lambda: self._alarm_since(name, since) or self.link.lost, timeout_s)
            event = self._alarm_since(name, since)
        if event is None:
            self.check_port()
            raise NoAlarm(f"no alarm {name} within {timeout_s:g} s")
        return event

    def _alarm_since(self, name: str, count: int) -> AlarmEvent | None:
        if name in self.active_alarms:
            return self.active_alarms[name]
        newest = islice(reversed(self.events), self._event_count - count)
        return next((e for e in newest if isinstance(e, AlarmEvent) and e.name == name and e.active), None)

    def _open(self) -> None:
        """A link, the old one when its port is still there."""
        if self._link is not None and self._link.lost is None:
            return
        if isinstance(self._port, str):
            url = self.device
            port = open_port(url)
            self._serial_number = self._serial_number or serial_number_of(url)
        elif self._link is not None:  # a port that was handed in open cannot be opened again
            raise PortVanished(self._link.url, str(self._link.lost))
        else:
            url, port = "the given port", self._port
        self.close()
        self._link = Link(port, url, self._take, self._take_lost, self.traffic)

    def _hello(self, timeout_s: float) -> Hello:
        return decode(Hello, self._ask_hello(timeout_s), HELLO.name)

    def _ask_hello(self, timeout_s: float) -> dict[str, Any]:
        """Of a pump of any version: what every version must have is checked, the rest is left to the caller."""
        message = self.link.request(HELLO.name, None, None, timeout_s)
        identity = decode(_Identity, message, HELLO.name)
        if identity.protocol != PROTOCOL:
            raise OtherProtocol(
                f"the pump speaks version {identity.protocol} of the protocol, this program version {PROTOCOL}; "
                "use the program of the pump's version"
            )
        boot = identity.boot
        with self._changed:
            if boot not in (self.boot, self._ready_boot):
                self.active_alarms.clear()  # a reset whose `ready` did not get through
            self.boot = boot
        return message

    def _take(self, method: str, params: dict[str, Any]) -> None:
        """One notification, in the reader thread. A kind that is not known is ignored: a newer pump may send more."""
        if method not in NOTIFICATIONS:
            return
        event = decode(NOTIFICATIONS[method], params, method)
        if isinstance(event, Telemetry):
            self.last_telemetry = event
            if self.on_telemetry:
                self.on_telemetry(event)
            return
        self._keep(event)
        if isinstance(event, AlarmEvent) and self.on_alarm:
            self.on_alarm(event)
        elif isinstance(event, StateEvent) and self.on_state:
            self.on_state(event)

    def _take_lost(self, error: PortVanished) -> None:
        lost = Lost(str(error))
        self._keep(lost)
        if self.on_lost:
            self.on_lost(lost)

    def _keep(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._event_count += 1
            if isinstance(event, Ready):
                self._ready_boot = event.boot
                self.active_alarms.clear()
            elif isinstance(event, AlarmEvent):
                self.active_alarms.pop(event.name, None)
                if event.active:
                    self.active_alarms[event.name] = event
                    if len(self.active_alarms) > ALARMS_KEPT:
                        del self.active_alarms[next(iter(self.active_alarms))]
            self._changed.notify_all()


def _who_answers(link: Link) -> PicoinfuseError:
    """No pump answered: asks for a MicroPython prompt, which costs a pump one bad line at most."""
    link.write(b"\r\x02\r")  # ends a half line and leaves the raw REPL
    if link.wait_for_prompt(PROMPT_TIMEOUT_S):
        return ReplAnswers(link.url)
    if heard := link.heard():
        return NotAPump(f"what answers at {link.url} is no pump; it said {heard[-40:].decode('ascii', 'replace')!r}")
    return NoAnswer(f"nothing answers at {link.url}; reset the board, or deploy the firmware")
