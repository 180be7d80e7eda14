"""A part of the self-test: the settings. The profile in flash is whole and the one that the pump booted with; what was
made of it in memory is as it was at boot.
"""

from binascii import crc32

from pump.storage.profile import MAX_BYTES, PATH


class SettingsPart:
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
        """The file, then a section of what is in memory; True while there are more."""
        if self._next < 0:
            self.failed = self._file_failed()
        else:
            self.failed = self._crc(self._sections[self._next]) != self._crcs[self._next]
        self._next += 1
        return not self.failed and self._next < len(self._sections)

    def _crc(self, name):
        return crc32(str(self._profile[name]).encode())

    def _file_failed(self):
        data = None
        try:
            with open(PATH, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            return True
        crc = crc32(data)
        if self._file_crc is None:
            self._file_crc = crc
        return crc != self._file_crc or data[-9:-1] != b"%08x" % crc32(data[:-10])
