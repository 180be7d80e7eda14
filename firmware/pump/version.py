"""The version of the firmware; the host tool has the same."""

VERSION = "0.1.0"
