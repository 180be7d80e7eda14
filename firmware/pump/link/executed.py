"""The last 16 commands and their replies: what makes a command done at most once.

A host that did not get a reply sends the same bytes again. Found here, the reply goes out again and nothing
is done.
"""

from micropython import const

from pump.link.schema import Refused

_CAPACITY = const(16)


class Executed:
    def __init__(self):
        self._ids = [0] * _CAPACITY  # 0 is no id
        self._crcs = [0] * _CAPACITY
        self._replies = [b""] * _CAPACITY
        self._next = 0

    def reply(self, request_id, crc):
        """The reply to this command, or None when it is new. Raises Refused when another had its id."""
        for place in range(_CAPACITY):
            if self._ids[place] == request_id:
                if self._crcs[place] == crc:
                    return self._replies[place]
                raise Refused("id_reused", "another command had the id %d" % request_id)
        return None

    def keep(self, request_id, crc, reply):
        """Takes the place of the oldest. Allocates nothing: a command that was done is always kept."""
        place = self._next
        self._ids[place] = request_id
        self._crcs[place] = crc
        self._replies[place] = reply
        self._next = (place + 1) % _CAPACITY
