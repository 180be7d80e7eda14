"""Text that came from outside and may reach a terminal, a report or a log."""


def printable(text: str) -> str:
    """`text` without what a terminal could take for a command: control characters, escape sequences' first byte,
    bidirectional overrides, line separators, half surrogates. Other characters stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(char for char in text if char.isprintable())


def visible(text: str) -> str:
    """`text` where everything that `printable` removes is shown as an escape such as `\\x1b`: for records of a line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
