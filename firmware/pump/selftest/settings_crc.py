"""The self-test's check of the settings: the profile in flash is whole and the one that the pump booted with, and the
profile in memory is as it was at boot.
"""

from binascii import crc32

from micropython import const

PATH = "/profile.json"
_PIECE = const(128)  # the whole file would need 2 KB in one piece, which a heap in use seldom has
_END = const(10)  # "#", the CRC, newline


class SettingsCheck:
    def __init__(self, profile):
        """`profile`: as in force, its step calibrated."""
        self._profile = profile
        self._sections = [name for name in profile if isinstance(profile[name], dict)]
        self._crcs = [self._crc(name) for name in self._sections]
        self._file_crc = None
        self._next = 0
        self.failed = False

    def begin(self, whole):
        self._next = -1
        self.failed = False

    def step(self):
        """Checks the file, then a section of the profile in memory. True while there is more."""
        if self._next < 0:
            self.failed = self._file_failed()
        else:
            self.failed = self._crc(self._sections[self._next]) != self._crcs[self._next]
        self._next += 1
        return not self.failed and self._next < len(self._sections)

    def _crc(self, name):
        return crc32(str(self._profile[name]).encode())

    def _file_failed(self):
        crc = _file_crc()
        if self._file_crc is None:
            self._file_crc = crc
        return crc is None or crc != self._file_crc


def _file_crc():
    """CRC-32 of the file; None when it is missing, or does not match the CRC at its end."""
    try:
        with open(PATH, "rb") as file:
            left = file.seek(0, 2) - _END
            file.seek(0)
            crc = 0
            while left > 0:
                piece = file.read(min(left, _PIECE))
                crc = crc32(piece, crc)
                left -= len(piece)
            end = file.read(_END)
    except OSError:
        return None
    return crc32(end, crc) if end[1:-1] == b"%08x" % crc else None
