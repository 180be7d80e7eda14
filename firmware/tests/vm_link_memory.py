"""Runs on the MicroPython VM, started by test_link_on_vm.py: lines against the server, and what they leave of the heap.

Arguments: the firmware folder, a file of lines in hex. Prints by how many bytes the heap in use has grown since the
first thousand lines, and the largest piece that can still be had.
"""

import gc
import sys
from binascii import unhexlify

sys.path.insert(0, sys.argv[1])
from pump.link import schema
from pump.link.outbox import Outbox
from pump.link.server import Server


def echo(**params):
    return params


def on_error(exc):
    raise exc


def largest():
    """Bytes of the largest piece, to 1 KB."""
    size = 128 * 1024
    while size:
        try:
            bytearray(size)
            return size
        except MemoryError:
            size -= 1024
    return 0


outbox = Outbox(())
server = Server(dict.fromkeys(schema.METHODS, echo), 41, outbox, on_error)
before = count = 0
with open(sys.argv[2]) as file:
    for text in file:
        server.handle_line(unhexlify(text.strip()))
        outbox.sent(len(outbox.next_chunk()))
        count += 1
        if count == 1000:
            gc.collect()
            before = gc.mem_alloc()
gc.collect()
print(gc.mem_alloc() - before, largest())
