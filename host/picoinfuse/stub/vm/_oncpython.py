"""Adapts CPython and PyPy to the stub: the names that MicroPython has in addition, and a folder as the filesystem.

There is no littlefs, so power cuts within a write cannot be tested, and no bound on the heap. All else is the same.
Runs on Python 3.9 and later: Debian's PyPy is 3.9.
"""

import builtins
import errno
import gc
import io
import os
import sys
import time
import traceback
import types

from _flash import ERASE_NS, PAGE_NS
from _world import WORLD

_BLOCK, _BLOCKS = 4096, 352
_NO_BOUND = 0x3FFFFFFF


def print_exception(error, stream=None):
    """Writes a traceback in the form of MicroPython, in which mpremote finds the error number of a file error."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    if isinstance(error, OSError):
        lines[-1] = f"OSError: [Errno {error.errno}] {errno.errorcode.get(error.errno, '')}\n"
    (stream or sys.stdout).write("".join(lines))


def wall_ns():
    return time.time_ns()


class _Stream:
    """A file descriptor that the channel can poll, read and write."""

    def __init__(self, fd):
        self._fd = fd

    def fileno(self):
        return self._fd

    def read(self, size):
        return os.read(self._fd, size)

    def write(self, data):
        return os.write(self._fd, data)


def open_stream(fd):
    os.set_blocking(fd, True)
    return _Stream(fd)


def add_names():
    """Adds the names that only MicroPython has.

    The firmware collects garbage every few seconds, as a Pico needs; here that would cost a full collection each time
    and free nothing that matters, so `gc.collect` does nothing. The heap has no bound: `mem_free` returns the
    largest small integer of a Pico, and `mem_alloc` 0.
    """
    gc.collect = lambda: 0
    gc.mem_free = lambda: _NO_BOUND
    gc.mem_alloc = lambda: 0
    gc.threshold = lambda size: None
    micropython = types.ModuleType("micropython")
    micropython.const = lambda value: value
    micropython.heap_lock = micropython.heap_unlock = lambda: None
    sys.modules["micropython"] = micropython
    sys.print_exception = print_exception


class Folder:
    """`os` and `open` for a filesystem whose root is a folder of the host."""

    def __init__(self, root):
        self._root = os.path.realpath(root)
        self._real_open = io.open

    def path(self, name):
        return self._root + os.path.normpath("/" + name.lstrip("/"))

    def open(self, name, mode="r", *args, **kwargs):
        return self._real_open(self.path(name), mode, *args, **kwargs)

    def ilistdir(self, name="/"):
        for entry in os.scandir(self.path(name)):
            stat = entry.stat()
            kind = 0x4000 if entry.is_dir() else 0x8000
            yield entry.name, kind, 0, stat.st_size

    def stat(self, name):
        found = os.stat(self.path(name))
        return (found.st_mode & 0xC000, 0, 0, 0, 0, 0, found.st_size, 0, 0, 0)

    def names(self):
        """Replacements of functions of `os`, by name."""
        path = self.path
        return {
            "ilistdir": self.ilistdir,
            "listdir": lambda name="/": sorted(entry[0] for entry in self.ilistdir(name)),
            "stat": self.stat,
            "mkdir": lambda name: os.mkdir(path(name)),
            "rmdir": lambda name: os.rmdir(path(name)),
            "remove": lambda name: os.remove(path(name)),
            "unlink": lambda name: os.remove(path(name)),
            "rename": lambda old, new: os.replace(path(old), path(new)),
            "sync": lambda: None,
            "getcwd": lambda: "/",
            "chdir": lambda name: None,
        }


class FolderFlash:
    """`rp2.Flash()` on a folder: each file of the size of a block is a block. Operations cannot be cut."""

    def __init__(self, folder):
        self._folder = folder
        self.stall = None
        self.cut = self.report = None
        self.erase_ns, self.page_ns = ERASE_NS, PAGE_NS

    def _take(self, time_ns):
        if self.stall is not None:
            self.stall(time_ns)

    def _file(self, block):
        """Path of a block's file, or None for an erased block."""
        paths = []
        for root, _, names in os.walk(self._folder.path("/")):
            paths += [os.path.join(root, name) for name in names]
        paths = sorted(path for path in paths if os.stat(path).st_size == _BLOCK)
        return paths[block] if block < len(paths) else None

    def readblocks(self, block, buffer, offset=0):
        path = self._file(block)
        data = b"\xff" * len(buffer)
        if path is not None:
            with io.open(path, "rb") as file:
                file.seek(offset)
                data = file.read(len(buffer))
        buffer[:] = data

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            self.ioctl(6, block)
        self._take(self.page_ns)
        with io.open(self._file(block), "r+b") as file:
            file.seek(offset or 0)
            before = file.read(len(buffer))
            file.seek(offset or 0)
            file.write(bytes(old & new for old, new in zip(before, buffer)))  # noqa: B905  Python 3.9 has no strict

    def ioctl(self, op, arg):
        if op == 4:
            return _BLOCKS
        if op == 5:
            return _BLOCK
        if op == 6:
            self._take(self.erase_ns)
            with io.open(self._file(arg), "r+b") as file:
                file.write(b"\xff" * _BLOCK)
        return 0


def mount(image):
    """Mounts the folder next to the image file; returns replacements of functions of `os`, by name."""
    root = image + ".d"
    os.makedirs(root, exist_ok=True)
    folder = Folder(root)
    builtins.open = folder.open
    WORLD.flash = FolderFlash(folder)
    sys.path[:] = [root, root + "/lib", *[path for path in sys.path if "picoinfuse/stub" not in path]]
    return folder.names()


add_names()
