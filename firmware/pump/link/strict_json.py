"""A look at a line before `json.loads` sees it: is it JSON at all, and can the pump afford to parse it?

MicroPython's parser is lenient: it takes `{"a" 1}`, `{,"a":1}`, `[1 2]`, `[}`, `01` and raw control
characters, and of two members with one name it keeps the last. A rate must not be guessed from a damaged
line, so `members` walks the grammar of RFC 8259 once, without recursion and without allocating, and refuses
also what would cost too much: nesting deeper than 8, more than 96 values, numbers of more than 15 digits.
UTF-8 is checked in full, because MicroPython accepts overlong forms and surrogates and would send them back
to the host.
"""

from micropython import const

MAX_DEPTH = const(8)  # json.loads recurses, and the stack of the Pico's main thread is small
_MAX_VALUES = const(96)  # a regimen of 12 segments has 78; bounds the time that a hostile line takes
_MAX_DIGITS = const(15)  # 10**13 nL is the largest number of the protocol; a longer one only fills the heap

# What may come next.
_VALUE = const(0)
_VALUE_OR_END = const(1)  # after `[`
_NAME = const(2)
_NAME_OR_END = const(3)  # after `{`
_COLON = const(4)
_AFTER = const(5)  # a value is complete: a comma, a closing bracket, or the end of the line

_WORDS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_ESCAPES = b'"\\/bfnrt'
_HEX = b"0123456789abcdefABCDEF"


class NotJson(ValueError):
    pass


def members(data):
    """The number of members in all objects of the text `data` (bytes). Raises NotJson."""
    at = 0
    end = len(data)
    count = 0
    values = 0
    depth = 0
    kinds = 0  # one bit a level, the innermost lowest: 1 is an object
    state = _VALUE
    while at < end:
        char = data[at]
        if char == 32 or char == 9 or char == 10 or char == 13:
            at += 1
        elif state == _AFTER:
            if not depth:
                raise NotJson("something follows the value")
            if char == 44:  # ,
                state = _NAME if kinds & 1 else _VALUE
            elif char == (125 if kinds & 1 else 93):  # } ]
                kinds >>= 1
                depth -= 1
            else:
                raise NotJson("comma or bracket expected")
            at += 1
        elif state == _COLON:
            if char != 58:
                raise NotJson("colon expected")
            state = _VALUE
            at += 1
        elif (char == 125 and state == _NAME_OR_END) or (char == 93 and state == _VALUE_OR_END):
            kinds >>= 1
            depth -= 1
            state = _AFTER
            at += 1
        elif state in (_NAME, _NAME_OR_END):
            if char != 34:
                raise NotJson("name expected")
            at = _string(data, at + 1, end)
            count += 1
            state = _COLON
        elif values == _MAX_VALUES:
            raise NotJson("more than 96 values")
        elif char == 123 or char == 91:  # { [
            if depth == MAX_DEPTH:
                raise NotJson("nested too deep")
            depth += 1
            values += 1
            kinds = kinds << 1 | (char == 123)
            state = _NAME_OR_END if char == 123 else _VALUE_OR_END
            at += 1
        else:
            values += 1
            at = _scalar(data, at, end, char)
            state = _AFTER
    if depth or state != _AFTER:
        raise NotJson("the value has no end")
    return count


def _scalar(data, at, end, char):
    """The index after the string, number or word that begins at `at`."""
    if char == 34:
        return _string(data, at + 1, end)
    if char == 45 or 48 <= char <= 57:
        return _number(data, at, end)
    word = _WORDS.get(char)
    if word is None or not data.startswith(word, at):
        raise NotJson("value expected")
    return at + len(word)


def _string(data, at, end):
    """The index after the closing quote; `at` is after the opening one."""
    while at < end:
        char = data[at]
        if char == 34:
            return at + 1
        if char == 92:
            at = _escape(data, at + 1, end)
        elif char < 32:
            raise NotJson("control character in a string")
        elif char < 128:
            at += 1
        else:
            at = _utf8(data, at, end)
    raise NotJson("string without end")


def _escape(data, at, end):
    """The index after an escape; `at` is after the backslash."""
    if at < end and data[at] in _ESCAPES:
        return at + 1
    if at + 5 > end or data[at] != 117:  # u
        raise NotJson("unknown escape")
    for digit in range(at + 1, at + 5):
        if data[digit] not in _HEX:
            raise NotJson("unknown escape")
    if data[at + 1] in b"dD" and data[at + 2] in b"89abABcdefCDEF":
        # MicroPython does not join the two halves, and half a character is not UTF-8.
        raise NotJson("surrogate escape")
    return at + 5


def _utf8(data, at, end):
    """The index after a character of more than one byte."""
    lead = data[at]
    low = 0x80
    high = 0xBF
    if 0xC2 <= lead <= 0xDF:
        stop = at + 2
    elif 0xE0 <= lead <= 0xEF:
        stop = at + 3
        if lead == 0xE0:
            low = 0xA0  # below: overlong
        elif lead == 0xED:
            high = 0x9F  # above: surrogates
    elif 0xF0 <= lead <= 0xF4:
        stop = at + 4
        if lead == 0xF0:
            low = 0x90  # below: overlong
        elif lead == 0xF4:
            high = 0x8F  # above: beyond Unicode
    else:
        raise NotJson("not UTF-8")
    if stop > end or not low <= data[at + 1] <= high:
        raise NotJson("not UTF-8")
    for follower in range(at + 2, stop):
        if not 0x80 <= data[follower] <= 0xBF:
            raise NotJson("not UTF-8")
    return stop


def _number(data, at, end):
    """The index after a number: -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?"""
    begin = at
    if data[at] == 45:
        at += 1
    first = at
    at = _digits(data, at, end)
    if at > first + 1 and data[first] == 48:
        raise NotJson("number with a leading zero")
    if at < end and data[at] == 46:
        at = _digits(data, at + 1, end)
    if at < end and (data[at] == 101 or data[at] == 69):
        at += 1
        if at < end and (data[at] == 43 or data[at] == 45):
            at += 1
        at = _digits(data, at, end)
    if at - begin > _MAX_DIGITS and _digit_count(data, begin, at) > _MAX_DIGITS:
        raise NotJson("number of more than 15 digits")
    return at


def _digits(data, at, end):
    """The index after at least one digit."""
    first = at
    while at < end and 48 <= data[at] <= 57:
        at += 1
    if at == first:
        raise NotJson("digit expected")
    return at


def _digit_count(data, at, end):
    count = 0
    while at < end:
        if 48 <= data[at] <= 57:
            count += 1
        at += 1
    return count
