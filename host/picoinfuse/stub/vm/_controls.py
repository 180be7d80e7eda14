"""What the bench may do to the board and the world around it: a table of them, by the names that board.py sends.

Nothing here takes time. What is done is done between two instructions of the firmware, as it sleeps.
"""

import gc
import sys

from _world import POWER_ON, RUN_PIN

_FILLER = "/filler"
_FILLER_BYTES = 4096
_BLOCK_COUNT = 4  # of ioctl


def control(world, op, args):
    """Does it, and tells how the world is then; what is about the heap tells of that."""
    if op in ("heap", "shatter_heap"):
        if op == "shatter_heap":
            world.eaten = _shatter(args)
        return _heap()
    if op != "snapshot":
        _CONTROLS[op](world, args)
    now_ns, fluid, battery = world.now_ns, world.fluid, world.battery
    fluid.advance(now_ns)
    return {
        "now_ns": now_ns,
        "pressure_pa": fluid.pressure_pa,
        "delivered_nl": fluid.delivered_nl,
        "patient_nl": fluid.patient_nl,
        "battery_mv": None if battery is None else battery.millivolts(now_ns),
        "pins": [gpio.level for gpio in world.gpio],
    }


# ---- the flash ----


def set_flash(world, setup):
    """`erase_ns`, `page_ns`, `dead`, `told`; or `left`, `torn`, `seed`: the supply is cut at that write or erase,
    once.
    """
    world.flash_setup.update(setup)
    for name in setup:
        if name != "reported":
            setattr(world.flash, name, setup[name])
        elif setup[name]:
            world.flash.report = lambda block, offset, data: _report_flash(world, block, offset, data)
        else:
            world.flash.report = None


def _report_flash(world, block, offset, data):
    """Every write and erase to the host, as it begins."""
    head = bytearray(16)
    for i in range(8):
        head[i] = world.now_ns >> 8 * i & 255
    head[8], head[9] = block & 255, block >> 8
    head[10], head[11] = offset & 255, offset >> 8
    erase = len(data) > 256
    head[12] = 1 if erase else 0
    world.channel.send(b"f", head if erase else bytes(head) + bytes(data))


def _fill_flash(world, full):
    """A file takes the room that is left, or is removed. In no time, not told, and though the flash takes no write or
    is about to be cut: nobody in the pump writes it.
    """
    flash = world.flash
    stall, report, dead, left = flash.stall, flash.report, flash.dead, flash.left
    flash.stall = flash.report = None
    flash.dead, flash.left = False, -1
    if full:
        _fill(flash.ioctl(_BLOCK_COUNT, 0))
    else:
        _remove_filler()
    flash.stall, flash.report, flash.dead, flash.left = stall, report, dead, left


def _fill(most_blocks):
    piece = bytearray(_FILLER_BYTES)
    file = open(_FILLER, "wb")
    try:
        for _ in range(most_blocks):
            file.write(piece)
            file.flush()  # what littlefs has not been told to keep is dropped with the write that fails
    except OSError:
        pass
    try:
        file.close()
    except OSError:
        pass


def _remove_filler():
    import os  # as the firmware sees it

    try:
        os.remove(_FILLER)
    except OSError:
        pass  # it is not there


# ---- the program and its memory ----


def _break_task(world, named):
    """From now on the task raises whenever it runs: code that was damaged. The pump hangs its modules in a chain when
    all are loaded (firmware/pump/tasks/garbage_collection.py).
    """

    def run(task, now_ms):
        raise RuntimeError("broken from outside")

    chain = sys.modules["pump"]
    while chain[1].__name__ != named["module"]:
        chain = chain[0]
    getattr(chain[1], named["cls"]).run = run


def _heap():
    """What is in use and what is free after a collection, and the largest piece that can be had, to 256 bytes, or 32
    where it is that small.
    """
    gc.collect()
    used, free = gc.mem_alloc(), gc.mem_free()
    size = 65536
    while size:
        try:
            bytearray(size)
            break
        except MemoryError:
            size -= 256 if size > 2048 else 32
    return {"used": used, "free": free, "largest": size}


def _shatter(size):
    """Leaves what is free in holes of `size` bytes, a multiple of 32, and half of it. All is taken in pieces of that,
    what is left between them by cells; then every second piece is given back. First fit makes them lie in a row.
    """
    gc.collect()
    pieces = [None] * (gc.mem_free() // size)
    count, cells = 0, None
    try:
        while True:
            pieces[count] = bytearray(size)
            count += 1
    except MemoryError:
        pass
    try:
        while True:
            cells = (cells, None)  # of one cell, 32 bytes
    except MemoryError:
        pass
    for i in range(0, count, 2):
        pieces[i] = None
    return pieces, cells


def _eat_heap(world, left):
    """Takes the heap until less than `left` bytes are free, in ever smaller pieces; a chain of them, for a list would
    need one large piece as it grows.
    """
    eaten = None
    gc.collect()
    for size in (16384, 1024, 128, 32):
        while gc.mem_free() > left + size:
            try:
                eaten = (eaten, bytearray(size))
            except MemoryError:
                break
    world.eaten = eaten


# ---- the clock, and all that is one line ----


def _jump(world, ms):
    world.boot_ns -= ms * 1000000


def _drive(world, drive):
    world.gpio[drive["pin"]].drive_outside(world.now_ns, drive["level"])


_CONTROLS = {
    "valve": lambda world, closed: world.fluid.valve(world.now_ns, closed),
    "patient": lambda world, pressure_pa: world.fluid.back_pressure(world.now_ns, pressure_pa),
    "upstream": lambda world, pressure_pa: setattr(world, "upstream_pa", float(pressure_pa)),
    "upstream_sensor": lambda world, fault: setattr(world.upstream, "fault", fault),
    "sensor": lambda world, fault: setattr(world.sensor, "fault", fault),
    "drift": lambda world, millivolts: world.sensor.drift(millivolts),
    "motor": lambda world, fault: setattr(world.motor, "fault", fault),
    "watchdog": lambda world, fault: setattr(world, "watchdog_dead", fault == "dead"),
    "battery": lambda world, setup: world.battery.set(world.now_ns, setup),
    "drive": _drive,
    "host_reads": lambda world, reading: world.usb.set_host_reads(reading),
    "usb": lambda world, plugged: world.usb.plug(plugged),
    "flash": set_flash,
    "fill_flash": _fill_flash,
    "hang": lambda world, _: setattr(world, "hung", True),
    "slow": lambda world, delay_ns: setattr(world, "slow_ns", delay_ns),
    "break_task": _break_task,
    "eat_heap": _eat_heap,
    "soft_reset": lambda world, _: setattr(world, "soft_reset", True),
    "clock_jump": _jump,
    "pace": lambda world, pace: world.set_pace(pace),
    "reset": lambda world, _: world.exit(RUN_PIN),
    "power_off": lambda world, _: world.exit(POWER_ON),
}
