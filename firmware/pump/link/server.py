"""Answers requests: one line in, one reply into the outbox, whatever the line was.

A command is executed at most once (executed.py). The reply to a command that was refused by the table, by the
application or by a fault is kept like any other: a host that retries must get the answer to its first attempt.
Otherwise a `resume` that was refused, and whose reply was lost, would be executed by the retry when the state had
changed meanwhile. What never became a command is not kept: a line that is damaged, malformed, from another boot, or
with an id that is taken.
"""

from micropython import const

from pump.link import frame, schema
from pump.link.executed import Executed
from pump.link.schema import Refused

_MAX_ID = const(0x3FFFFFFF)

_MEMBERS = ("id", "method", "params", "boot")
_NO_PARAMS = {}


class Server:
    def __init__(self, functions, boot, outbox, on_error, on_command=None):
        """`functions`: for each name of schema.METHODS the function that is called with the checked parameters; it
        returns the result (a dict), or raises Refused, or OSError when the flash fails. Anything else that it raises is
        a fault of the pump: `on_error(exc)` makes the pump safe before the host is answered.
        `on_command(method, params)` is called after every command that was not refused.
        """
        self._functions = functions
        self._boot = boot
        self._outbox = outbox
        self._on_error = on_error
        self._on_command = on_command
        self._executed = Executed()
        self._id = None  # of the request at hand, once it was read
        # Made beforehand, because it is needed when there is no memory to make it.
        self._no_memory = _error(None, "internal", "out of memory", None)

    def handle_line(self, line):
        """Answers one line (bytes, without newline)."""
        self._id = None
        try:
            reply = self._answer(line)
        except (frame.BadFrame, Refused) as refused:
            reply = _error(self._id, refused.code, refused.message, refused.data)
        except Exception as exc:
            reply = self._fault(exc)
        self._outbox.reply(reply)

    def too_long(self):
        """Answers a line that was dropped for its length."""
        self._outbox.reply(_error(None, "too_long", "more than 512 bytes without a newline", None))

    def _answer(self, line):
        request, has_crc, crc = frame.decode(line)
        method, params = self._read(request)
        if schema.kind(method) == schema.QUERY:
            return self._execute(method, params)
        if not has_crc:
            raise Refused("crc_required", method + " needs a CRC")
        self._check_boot(request)
        reply = self._executed.reply(self._id, crc)
        if reply is None:
            reply = self._execute(method, params)
            self._executed.keep(self._id, crc, reply)
        return reply

    def _read(self, request):
        """Method and params of a request; checks the shape of its members."""
        if not isinstance(request, dict):
            raise Refused("invalid_request", "not an object")
        request_id = request.get("id")
        if type(request_id) is not int or not 1 <= request_id <= _MAX_ID:
            raise _invalid("id", "id must be an integer from 1 to 1073741823")
        self._id = request_id
        for name in request:
            if name not in _MEMBERS:
                name = name[:32]
                raise _invalid(name, "a request has no member " + name)
        method = request.get("method")
        if type(method) is not str:
            raise _invalid("method", "method must be a string")
        params = request.get("params", _NO_PARAMS)
        if not isinstance(params, dict):
            raise _invalid("params", "params must be an object")
        if "boot" in request and type(request["boot"]) is not int:
            raise _invalid("boot", "boot must be an integer")
        return method, params

    def _check_boot(self, request):
        if "boot" not in request:
            raise _invalid("boot", "a command needs boot")
        if request["boot"] != self._boot:
            raise Refused("other_boot", "this is boot %d" % self._boot, {"boot": self._boot})

    def _execute(self, method, params):
        """The reply, also when the method is refused or fails."""
        try:
            schema.check(method, params)
            result = self._functions[method](**params)
            if self._on_command is not None and schema.kind(method) != schema.QUERY:
                self._on_command(method, params)
            return frame.encode({"id": self._id, "result": result})
        except Refused as refused:
            return _error(self._id, refused.code, refused.message, refused.data)
        except frame.FrameTooLong as exc:  # no fault of the pump
            return _error(self._id, "reply_too_long", str(exc), None)
        except OSError:
            message = "the flash did not take it; after a reset it is the old or the new"
            return _error(self._id, "storage_fault", message, None)
        except Exception as exc:
            return self._fault(exc)

    def _fault(self, exc):
        self._on_error(exc)
        try:
            return _error(self._id, "internal", "a fault in the pump: " + type(exc).__name__, None)
        except MemoryError:
            return self._no_memory


def _invalid(member, message):
    return Refused("invalid_request", message, {"member": member})


def _error(request_id, code, message, data):
    error = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return frame.encode({"id": request_id, "error": error})


def refusing(message, state):
    """Returns a function for a method that this pump cannot carry out: it raises Refused `wrong_state`."""

    def refuse(**params):
        raise Refused("wrong_state", message, {"state": state})

    return refuse
