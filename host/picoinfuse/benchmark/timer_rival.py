"""The plain step generator that ours is compared with: a soft `machine.Timer`, a pulse a callback.

It runs beside the idle pump's own loop, so beside the same work every 10 ms and the same collections of garbage. Its
pulses are on DIR, which an idle pump leaves alone: STEP belongs to PIO, and the pump would stop a motor that steps by
itself.
"""

START_S = 8.0  # from the program's start: the pump is compiled and up, and its self-test is over

# Pushed to the board's REPL as text. The threshold is that of firmware/main.py, without which the pump finds no room.
PROGRAM = """
import gc
from machine import Pin, Timer
wire = Pin({pin}, Pin.OUT, value=0)
def pulse(timer):
    wire.value(1)
    wire.value(0)
def begin(timer):
    steps.init(freq={hz}, callback=pulse)
steps = Timer()
later = Timer(mode=Timer.ONE_SHOT, period={start_ms}, callback=begin)
gc.threshold(16384)
from pump.run import run
from pump.drivers.chip import Scratch
from pump.storage.reset_note import ResetNote
run(ResetNote(Scratch()), 0)
"""


def program(hz: float, pin: int) -> str:
    return PROGRAM.format(hz=hz, pin=pin, start_ms=round(START_S * 1000))
