"""A request that waits, and what its reply means."""

from typing import Any

from picoinfuse.common.errors import PumpError


class Pending:
    """The sender makes it, the reader fills it in, both under the link's condition."""

    def __init__(self, request_id: int, line: bytes) -> None:
        self.request_id = request_id
        self.body = line.rstrip(b"\n")
        self.reply: dict[str, Any] | None = None
        # An error without id: the pump could not read a line, perhaps this one.
        self.unread: PumpError | None = None
        self.echoed = False  # our own line came back: that is no pump


def result_of(reply: dict[str, Any]) -> dict[str, Any]:
    """The result, or the pump's error raised."""
    if "error" in reply:
        raise error_of(reply["error"])
    result = reply["result"]
    return result if isinstance(result, dict) else {}


def error_of(error: Any) -> PumpError:
    if not isinstance(error, dict):
        return PumpError("internal", f"an error in no known form: {error!r}")
    data = error.get("data")
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    return PumpError(code, message, data if isinstance(data, dict) else None)
