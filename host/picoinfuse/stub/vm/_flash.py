"""The flash behind the filesystem: 352 blocks of 4 KiB in an image file, as on a Pico with MicroPython's
default layout.

Blocks are erased to 0xff before they are written, and written in pages of 256 bytes; writing may only clear bits.
"""

BLOCK = 4096
BLOCKS = 352
_PAGE = 256
_ERASED = b"\xff" * BLOCK


class FlashError(Exception):
    """A write that the chip could not do: bits can be cleared by writing, not set."""


class Flash:
    """Block device with the extended interface that littlefs wants."""

    def __init__(self, stream):
        self._stream = stream
        self._page = bytearray(_PAGE)
        self.writes = 0
        self.erases = 0

    def readblocks(self, block, buffer, offset=0):
        self._stream.seek(block * BLOCK + offset)
        self._stream.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        self._check_erased(block, buffer, offset)
        self._stream.seek(block * BLOCK + offset)
        self._stream.write(buffer)
        self.writes += 1

    def _check_erased(self, block, buffer, offset):
        page = self._page
        for start in range(0, len(buffer), _PAGE):
            self.readblocks(block, page, offset + start)
            if page == _ERASED[:_PAGE]:
                continue
            for i in range(_PAGE):
                if buffer[start + i] & ~page[i] & 0xFF:
                    raise FlashError("block %d, byte %d: written without an erase" % (block, offset + start + i))

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            self._stream.seek(arg * BLOCK)
            self._stream.write(_ERASED)
            self.erases += 1
        return 0


def mount(stream):
    """Mounts the image as `/`; formats it when it holds no filesystem, as the Pico's `_boot.py` does."""
    import os

    import vfs

    flash = Flash(stream)
    try:
        filesystem = vfs.VfsLfs2(flash, progsize=_PAGE)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=_PAGE)
        filesystem = vfs.VfsLfs2(flash, progsize=_PAGE)
    vfs.umount("/")
    vfs.mount(filesystem, "/")
    os.chdir("/")
    return flash
