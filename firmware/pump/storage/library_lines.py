"""The lines of a drug library: the head, and one line a drug. RAM never holds the whole library.

    {"format":1,"name":"ward-3","version":7,"drugs":2,"crc":"0a1b2c3d"}#<crc of this line>
    ["heparin","units/h","units",[100000],[null,null,1500000,2000000],[null,5000000],[null,null]]#<crc>
    ["morphine",...]#<crc>

The `crc` of the head covers all bytes after it. The drugs are sorted by name. A drug has: name, unit of its dose, unit
of its amounts, concentrations (amount per mL), limits of the dose [hard, soft, soft, hard], of a bolus and of an hour
[soft, hard]; null means no limit. Doses and amounts are in thousandths. Limits of a dose by weight are per kg.
"""

from binascii import crc32

from micropython import const

from pump.core.therapy.dose import AMOUNTS, MAX_MILLI, BadDose, parts
from pump.link import frame

FORMAT = const(1)
MAX_LINE = const(384)  # must fit into a line of the link
MAX_DRUGS = const(200)
_MAX_CONCENTRATIONS = const(8)

_ENOENT = const(2)
_HEAD = ("format", "name", "version", "drugs", "crc")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


class LibraryFault(Exception):
    """`reason` is missing, corrupt, wrong_format or limit_order; `detail` explains it."""

    def __init__(self, reason, detail):
        super().__init__("%s: %s" % (reason, detail))
        self.reason = reason
        self.detail = detail


def read_head(line):
    """The head of a library (bytes) as a dict. Raises LibraryFault."""
    head = _decode(line)
    if not isinstance(head, dict) or sorted(head) != sorted(_HEAD):
        raise LibraryFault("wrong_format", "the members of the head must be " + ", ".join(_HEAD))
    if type(head["format"]) is not int or head["format"] != FORMAT:
        raise LibraryFault("wrong_format", "format is not %d" % FORMAT)
    _check_name(head["name"])
    _check_int("version", head["version"], 1, 1000000)
    _check_int("drugs", head["drugs"], 1, MAX_DRUGS)
    if type(head["crc"]) is not str or len(head["crc"]) != 8:
        raise LibraryFault("wrong_format", "crc is not eight hex digits")
    return head


def read_drug(line):
    """The row in a line. Raises LibraryFault."""
    row = _decode(line)
    if not isinstance(row, list) or len(row) != 7:
        raise LibraryFault("wrong_format", "a drug does not have seven parts")
    name, unit, amount, concentrations, dose, bolus, hour = row
    _check_name(name)
    problem = None
    try:
        if type(unit) is not str or type(amount) is not str or AMOUNTS[parts(unit)[0]][0] != AMOUNTS[amount][0]:
            problem = "dose and amount have units of different kinds"
    except (BadDose, KeyError) as bad:
        problem = str(bad)
    if problem is not None:
        raise LibraryFault("wrong_format", "%s: %s" % (name, problem))
    if not isinstance(concentrations, list) or not 1 <= len(concentrations) <= _MAX_CONCENTRATIONS:
        raise LibraryFault("wrong_format", "%s: 1 to %d concentrations are allowed" % (name, _MAX_CONCENTRATIONS))
    for concentration in concentrations:
        _check_int(name, concentration, 1, MAX_MILLI)
    _check_limits(name, dose, 4)
    _check_limits(name, bolus, 2)
    _check_limits(name, hour, 2)
    if dose[3] is None:
        raise LibraryFault("limit_order", "%s: the dose has no upper hard limit" % name)
    return row


def _check_limits(name, limits, count):
    if not isinstance(limits, list) or len(limits) != count:
        raise LibraryFault("wrong_format", "%s: limits are not a list of %d" % (name, count))
    before = 0
    for limit in limits:
        if limit is not None:
            _check_int(name, limit, 0, MAX_MILLI)
            if limit < before:
                raise LibraryFault("limit_order", "%s: %d comes after %d" % (name, limit, before))
            before = limit


def _check_name(name):
    if type(name) is not str or not 1 <= len(name) <= 24 or not all(char in _LETTERS for char in name):
        raise LibraryFault("wrong_format", "a name is not 1 to 24 of a-z, 0-9 and -")


def _check_int(where, value, low, high):
    if type(value) is not int or not low <= value <= high:
        raise LibraryFault("wrong_format", "%s: a number is not an integer from %d to %d" % (where, low, high))


def _decode(line):
    problem = "no CRC"
    try:
        value, has_crc, _ = frame.decode(line)
        if has_crc:
            return value
    except frame.BadFrame as bad:
        problem = bad.message
    raise LibraryFault("corrupt", problem)


def find_line(path, name):
    """The line of a drug, found by bisection; None when there is no such drug. Raises LibraryFault when a line that the
    search reads is damaged.
    """
    problem = None
    wanted = name.encode()
    try:
        with open(path, "rb") as file:
            low, high = file.read(MAX_LINE).find(b"\n") + 1, file.seek(0, 2)  # of the remaining lines
            while low < high:
                middle = (low + high) // 2
                start = max(low, middle - MAX_LINE)
                file.seek(start)
                data = file.read(2 * MAX_LINE)
                begin = data.rfind(b"\n", 0, middle - start) + 1
                end = data.find(b"\n", middle - start)
                line = data[begin:end]
                if end < 0 or line[-9:] != b"#%08x" % crc32(line[:-9]):
                    raise LibraryFault("corrupt", "a line is damaged, cut, or longer than %d bytes" % MAX_LINE)
                found = line[2 : line.find(b'"', 2)]
                if found == wanted:
                    return line
                if found < wanted:
                    low = start + end + 1
                else:
                    high = start + begin
        return None
    except OSError as error:
        problem = error.errno
    raise unreadable(problem)


def unreadable(errno):
    """The LibraryFault for an OSError."""
    return LibraryFault("missing" if errno == _ENOENT else "corrupt", "it cannot be read, error %s" % errno)
