"""The flash behind the filesystem: 352 blocks of 4 KiB in an image file, as on a Pico with MicroPython's
default layout. `rp2.Flash()` is the same object.

Blocks are erased to 0xff before they are written, and written in pages of 256 bytes; writing may only clear bits. Both
take time, in which the CPU stands still and everything else goes on: 45 ms and 0.7 ms, or what the bench says. The
supply can be cut at any of them, before, after or in the middle: then part of the page or block is done, or each bit is
what it was or what it was to be.
"""

BLOCK = 4096
BLOCKS = 352
_PAGE = 256
_ERASED = b"\xff" * BLOCK
ERASE_NS = 45000000  # typical of a W25Q16; 400 ms at most
PAGE_NS = 700000


class FlashError(Exception):
    """A write that the chip could not do: bits can be cleared by writing, not set."""


class Flash:
    """Block device with the extended interface that littlefs wants."""

    def __init__(self, stream):
        self._stream = stream
        self._page = bytearray(_PAGE)
        self.stall = None  # function of ns: time passes, the CPU stands
        self.report = None  # function of (kind, block, offset, data): every write and erase, before it is done
        self.cut = None  # function: the supply is gone; it does not return
        self.left = -1  # writes and erases until it is cut
        self.torn = "before"
        self.seed = 1
        self.dead = False  # every write and erase fails
        self.erase_ns = ERASE_NS
        self.page_ns = PAGE_NS

    def readblocks(self, block, buffer, offset=0):
        self._stream.seek(block * BLOCK + offset)
        self._stream.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        self._check_erased(block, buffer, offset)
        view = memoryview(buffer)
        for start in range(0, len(buffer), _PAGE):
            self._operate(block, offset + start, view[start : start + _PAGE], self.page_ns)

    def _check_erased(self, block, buffer, offset):
        page = self._page
        for start in range(0, len(buffer), _PAGE):
            self.readblocks(block, page, offset + start)
            if page == _ERASED[:_PAGE]:
                continue
            for i in range(_PAGE):
                if buffer[start + i] & ~page[i] & 0xFF:
                    raise FlashError("block %d, byte %d: written without an erase" % (block, offset + start + i))

    def _operate(self, block, offset, data, time_ns):
        """One write of a page, or one erase."""
        if self.dead:
            raise OSError(5)
        if self.left == 0:
            self._tear(block, offset, data)
            self.cut()
        self.left -= 1
        if self.report is not None:
            self.report(block, offset, data)
        if self.stall is not None:
            self.stall(time_ns)
        self._put(block * BLOCK + offset, data)

    def _put(self, at, data):
        self._stream.seek(at)
        self._stream.write(data)

    def _tear(self, block, offset, data):
        """What an interrupted write or erase leaves."""
        at = block * BLOCK + offset
        if self.torn == "after":
            self._put(at, data)
        elif self.torn == "half":
            self._put(at, memoryview(data)[: len(data) // 2])
        elif self.torn == "bits":
            before = bytearray(len(data))
            self._stream.seek(at)
            self._stream.readinto(before)
            state = self.seed
            for i in range(len(data)):
                state = (state * 1103515245 + 12345) & 0x3FFFFFFF
                mask = state >> 16 & 255
                before[i] = before[i] & ~mask | data[i] & mask
            self._put(at, before)

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            self._operate(arg, 0, _ERASED, self.erase_ns)
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
