"""The self-test's check of the firmware: what is in flash is what was deployed.

From files: /pump/files.crc, written by the deployment, has the CRC-32 and path of each file, and its own CRC in the
last line. In a production image: the image in flash against the CRC in its info block (host/picoinfuse/image/info.py).
"""

from binascii import crc32

from micropython import const

from pump import build

LIST = "/pump/files.crc"
_FLASH_BYTES = const(0xA0000)  # below the filesystem, as boards/PICOINFUSE divides it
_CHUNK = const(512)
_PAGE = const(256)
_MARKER = b"picoinfuse-image"
_IMAGE_BYTES_AT = const(20)  # in the info block: its format is before, the CRC after
_DIGITS = const(8)
_FILES = const(3)  # each opened file leaves the 1.2 KB of its buffer as garbage


class FilesCheck:
    """Each `step` reads a chunk of one file. A missing file, or a list that is not whole, is a failure."""

    def __init__(self, on_garbage):
        """`on_garbage()`: enough garbage was left behind to collect it."""
        self._on_garbage = on_garbage
        self._opened = 0
        self.failed = False
        self._buffer = bytearray(_CHUNK)
        self._view = memoryview(self._buffer)
        self._list = self._file = None
        self._crc = self._expected = self._list_crc = 0

    def begin(self, whole):
        self.failed = False
        self._file = None
        self._list_crc = 0
        self._list = _open(LIST)
        if self._list is None:
            self.failed = True

    def step(self):
        """True while there is more."""
        more = not self.failed and (self._next_file() if self._file is None else self._read())
        if not more:
            for file in (self._file, self._list):
                if file is not None:
                    file.close()
            self._file = self._list = None
        return more

    def _next_file(self):
        line = self._list.readline()
        self._crc = 0
        if line[:1] == b"#":  # the end
            self.failed = line[1:9] != b"%08x" % self._list_crc
            return False
        self._list_crc = crc32(line, self._list_crc)
        try:
            self._expected = int(line[:_DIGITS], 16)
        except ValueError:  # the list ended without its CRC, or is damaged
            self.failed = True
            return False
        self._opened += 1
        if self._opened % _FILES == 0:
            self._on_garbage()
        self._file = _open(str(line[_DIGITS + 1 : -1], "utf-8"))
        self.failed = self._file is None
        return not self.failed

    def _read(self):
        count = self._file.readinto(self._buffer)
        if count:
            self._crc = crc32(self._view[:count], self._crc)
            return True
        self._file.close()
        self._file = None
        self.failed = self._crc != self._expected
        return not self.failed


class ImageCheck:
    """Each `step` reads a chunk of flash: first to find the info block, then for the CRC of what comes before it."""

    def __init__(self, flash):
        """`flash`: a memoryview of the image, mapped into memory."""
        self.failed = False
        self._flash = flash
        self._at = self._crc = 0
        self._info = None  # type: int | None  # where its block begins

    def begin(self, whole):
        self.failed = False
        self._at = self._crc = 0
        self._info = None

    def step(self):
        """True while there is more."""
        return self._search() if self._info is None else self._add()

    def _search(self):
        flash, at = self._flash, self._at
        # Two bytes first, because a slice allocates.
        if flash[at] == _MARKER[0] and flash[at + 1] == _MARKER[1] and bytes(flash[at : at + 16]) == _MARKER:
            self._info = at
            self._at = 0
            return True
        self._at = at + _PAGE
        self.failed = self._at >= len(flash)
        return not self.failed

    def _add(self):
        info = self._info
        assert info is not None  # _search() has found it
        end = min(self._at + _CHUNK, info)
        self._crc = crc32(self._flash[self._at : end], self._crc)
        self._at = end
        if end < info:
            return True
        size, expected = self._word(_IMAGE_BYTES_AT), self._word(_IMAGE_BYTES_AT + 4)
        self.failed = size != info or expected != self._crc
        return False

    def _word(self, offset):
        at = self._info + offset
        return int.from_bytes(bytes(self._flash[at : at + 4]), "little")


def make(mapped, on_garbage):
    """Returns the check for the firmware that runs. `mapped(size)` returns the beginning of the flash as memory."""
    if not build.FROZEN:
        return FilesCheck(on_garbage)
    return ImageCheck(mapped(_FLASH_BYTES))


def _open(path):
    try:
        return open(path, "rb")
    except OSError:
        return None
