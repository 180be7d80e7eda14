"""Draws lines for the pump's ears from a grammar: requests as the protocol has them, and then damaged, one after the
other, in the ways that lines and programs go wrong. The same seed draws the same lines.
"""

import json
import random
from binascii import crc32

from pump.link import schema

_WORDS = [b"true", b"null", b"NaN", b"-0", b"1e308", b"0.5", b"9" * 16, b"[" * 9]
_BYTES = [b'"\\ud800"', b"\xed\xa0\x80", b"\xff", b"\x00"]
_MARKS = [b"{", b"}", b"[", b"]", b":", b",", b'"', b"#", b"\r", b"\\", b" "]
_VALUES = [0, -1, 1, 5000, 2**30, 2**31, 10**13, 10**15, True, None, 1.5, "", "high", "x" * 40, [], {}, [1, [2, [3]]]]


def lines(seed, count, boot):
    """`count` lines without their newline."""
    rng = random.Random(seed)
    for _ in range(count):
        body = _request(rng, boot)
        for _ in range(rng.choice((0, 0, 1, 1, 2, 6))):
            body = rng.choice(_DAMAGES)(rng, body)
        yield _close(rng, body).replace(b"\n", b"?")


def _request(rng, boot):
    """Often right, sometimes with members or values that no request has."""
    method = rng.choice(list(schema.METHODS)) if rng.random() < 0.95 else rng.choice(("", "no_such", "__init__", "_do"))
    request = {"id": rng.choice((1, 2, 3, 7, rng.randrange(1, 2**30), 0, -1, 2**30)), "method": method, "boot": boot}
    params = {}
    for name, wanted, required, limits in schema.METHODS.get(method, (0, ()))[1]:
        if required or rng.random() < 0.5:
            params[name] = _value(rng, wanted, limits)
    if rng.random() < 0.1:
        params[rng.choice(("rate_ul_h", "extra", "self", "x" * 60))] = rng.choice(_VALUES)
    if params or rng.random() < 0.2:
        request["params"] = params
    if rng.random() < 0.1:
        request[rng.choice(("id", "boot", "params", "more"))] = rng.choice(_VALUES)
    return json.dumps(request, separators=(",", ":")).encode()


def _value(rng, wanted, limits):
    if rng.random() < 0.15:
        return rng.choice(_VALUES)
    if wanted is str:
        return rng.choice(limits) if limits else rng.choice(("2026-11-22", "anna", ""))
    if wanted is int:
        return rng.randint(*limits[:2]) if limits else rng.randrange(1, 2_000_000)
    return rng.choice(_VALUES)


def _flip(rng, body):
    at = rng.randrange(len(body) or 1)
    return body[:at] + bytes([(body[at] if body else 0) ^ 1 << rng.randrange(8)]) + body[at + 1 :]


def _cut(rng, body):
    return body[: rng.randrange(len(body) + 1)]


def _leave_out(rng, body):
    at = rng.randrange(len(body) + 1)
    return body[:at] + body[at + rng.randrange(1, 9) :]


def _put_in(rng, body):
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.choice(_WORDS + _BYTES + _MARKS) + body[at:]


def _double(rng, body):
    at = rng.randrange(len(body) + 1)
    return body[:at] + body[at : at + rng.randrange(1, 200)] * 2 + body[at:]


def _join(rng, body):
    return body + rng.choice((b"", b"#12345678", b"\r")) + body


def _nest(rng, body):
    deep = rng.randrange(1, 200)
    return b'{"a":' * deep + body + b"}" * rng.choice((deep, deep - 1))


_DAMAGES = (_flip, _cut, _leave_out, _put_in, _double, _join, _nest)


def _close(rng, body):
    """With the right CRC mostly: what is behind it must be reached."""
    kind = rng.random()
    if kind < 0.75:
        return body + b"#%08x" % crc32(body)
    if kind < 0.85:
        return body
    return body + b"#%08x" % (crc32(body) ^ 1 << rng.randrange(32))
