# Mounts the filesystem, in place of the port's own _boot.py. It differs in two ways, both for safety:
# - The port formats whatever it cannot mount, and calibration and logs are gone without a word. Here only
#   flash that was never written is formatted. A damaged filesystem stays as it is and is not mounted: there is
#   no profile then, and the pump alarms.
# - Frozen modules come before files, so that what an older deployment left on the filesystem never runs in
#   place of this image.
import sys

import rp2
import vfs


def is_blank(device):
    """The first two blocks hold littlefs's superblocks."""
    block = bytearray(4096)
    for number in (0, 1):
        device.readblocks(number, block)
        for byte in block:
            if byte != 0xFF:
                return False
    return True


def mount():
    device = rp2.Flash()
    try:
        filesystem = vfs.VfsLfs2(device, progsize=256)
    except OSError:
        if not is_blank(device):
            return
        vfs.VfsLfs2.mkfs(device, progsize=256)
        filesystem = vfs.VfsLfs2(device, progsize=256)
    vfs.mount(filesystem, "/")


sys.path.remove(".frozen")
sys.path.insert(0, ".frozen")
mount()
del mount, is_blank, rp2, vfs, sys
