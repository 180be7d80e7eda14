"""A request that waits, and what its reply means."""

from dataclasses import dataclass
from typing import Annotated, Any

from picoinfuse.client.decode import decode
from picoinfuse.client.wire import ByName, Milli, Name, Range, Text
from picoinfuse.common.errors import BadReply, PumpError

_Detail = Annotated[int, Range(-(10**19), 10**19)] | Annotated[str, Text(256, least=0)]
_Details = _Detail | list[_Detail] | None


@dataclass(frozen=True)
class _Refusal:
    """The member `error` of a reply."""

    code: Name
    message: Annotated[str, Text(512, least=0)]
    data: Annotated[dict[str, Any], ByName(lambda name: _Details)] | None = None


@dataclass(frozen=True)
class _LimitExceeded:
    """`data` of a refusal by the drug library, in thousandths of the drug's unit."""

    limit: Name
    value: Milli
    bound: Milli


_DATA = {"soft_limit": _LimitExceeded, "hard_limit": _LimitExceeded}


class Pending:
    """The sender makes it, the reader fills it in, both under the link's condition."""

    def __init__(self, request_id: int, line: bytes) -> None:
        self.request_id = request_id
        self.body = line.rstrip(b"\n")
        self.reply: dict[str, Any] | None = None
        # An error without id: the pump could not read a line, perhaps this one.
        self.unread: dict[str, Any] | None = None
        self.echoed = False  # our own line came back: that is no pump


def result_of(reply: dict[str, Any], method: str) -> Any:
    """The undecoded result of a reply. Raises PumpError when the pump refused, BadReply when that is malformed."""
    if "error" in reply:
        raise error_of(reply["error"], method)
    return reply["result"]


def error_of(error: Any, method: str) -> PumpError:
    """The pump's refusal. Raises BadReply when it is malformed."""
    try:
        refusal = decode(_Refusal, error, method)
        if refusal.code in _DATA:
            decode(_DATA[refusal.code], refusal.data, method)
    except BadReply as bad:
        raise BadReply(method, f"error, {bad.field}", bad.expected, bad.found) from None
    return PumpError(refusal.code, refusal.message, refusal.data)
