"""The same modules on the real MicroPython VM: they import in a Pico's heap, and the paths of alarm and
pressure allocate nothing."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from pump.core.alarms.table import ALARMS, UNTIL_RESET

FIRMWARE = pathlib.Path(__file__).parent.parent
_BESIDE = pathlib.Path(sys.executable).with_name("micropython")
VM = str(_BESIDE) if _BESIDE.exists() else shutil.which("micropython")

pytestmark = pytest.mark.skipif(VM is None, reason="no micropython beside python or on PATH")


def on_vm(script):
    done = subprocess.run(
        [VM, "-X", "heapsize=192K", "-c", script],
        env={**os.environ, "MICROPYPATH": str(FIRMWARE)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_core_module_imports():
    paths = [path.relative_to(FIRMWARE).with_suffix("") for path in (FIRMWARE / "pump" / "core").rglob("*.py")]
    modules = sorted(".".join(path.parts) for path in paths if path.name != "__init__")
    assert len(modules) > 20
    out = on_vm("".join(f"import {name}\n" for name in modules) + "print('all')")
    assert out.split() == ["all"]


# A fake that allocates nothing itself; `locked(action)` runs an action with the heap locked, where any
# allocation is a MemoryError.
PRELUDE = """
import micropython
from pump.core import supervisor
from pump.core.occlusion import threshold
from pump.core.alarms import bursts
from pump.core.alarms import manager
from pump.core.alarms import table
from pump.tasks.annunciator import Annunciator
from pump.tasks.pressure import PressureTask

class Silent:
    def play(self, words): pass
    def follow(self, words): pass
    def busy(self): return False
    def silent(self): pass
    def show(self, priority): pass

class Sensor:
    def __init__(self):
        self.raw = 8000
        self.code = 0
        self.step = 1
    def read_sum(self):
        self.raw += self.step
        self.step = -self.step
        self.code = self.raw // 4
        return self.raw
    def read_temperature(self):
        return 876

class Host:
    def __init__(self): self.told = 0
    def notify(self, name, priority, active, seq, now_ms): self.told += 1
    def report(self, name, active, now_ms): self.told += 1
    def on_change(self, old, new, event, now_ms): self.told += 1

def locked(action):
    micropython.heap_lock()
    try:
        return action()
    finally:
        micropython.heap_unlock()

host = Host()
"""


def test_the_locked_heap_does_catch_an_allocation():
    out = on_vm(PRELUDE + "try:\n  locked(lambda: [1, 2, 3])\nexcept MemoryError:\n  print('caught')")
    assert out.split() == ["caught"]


def test_raising_ending_clearing_and_silencing_allocate_nothing():
    out = on_vm(
        PRELUDE
        + """
manager = manager.AlarmManager(host.notify)
def action():
    for now_ms in range(0, 400_000, 100_000):
        for row in table.ALARMS: manager.raise_alarm(row[0], now_ms)
        manager.silence(now_ms)
        manager.acknowledge(now_ms)
        manager.silenced_ms(now_ms)
        manager.tick(now_ms)
        manager.highest()
        manager.stops_delivery()
        for row in table.ALARMS: manager.condition_gone(row[0], now_ms)
        manager.clear(now_ms)
locked(action)
print(host.told)
"""
    )
    # Each alarm begins and ends four times; one that waits for a reset begins once.
    waiting = sum(row[3] == UNTIL_RESET for row in ALARMS)
    assert int(out) == 4 * 2 * (len(ALARMS) - waiting) + waiting


def test_the_supervisor_allocates_nothing():
    on_vm(
        PRELUDE
        + """
s = supervisor.Supervisor(host.on_change)
def action():
    for event in range(len(supervisor.EVENTS)):
        for other in range(len(supervisor.EVENTS)):
            s.handle(event, 1); s.handle(other, 1)
locked(action)
"""
    )


def test_a_minute_of_alarm_and_an_alarm_test_allocate_nothing():
    on_vm(
        PRELUDE
        + """
manager = manager.AlarmManager(host.notify)
task = Annunciator(manager, Silent(), Silent())
task.test(table.LOW, 0)
def action():
    now_ms = 0x3fffffff - 20_000
    for name in ("delivery_late", "occlusion"):
        for _ in range(3000):
            now_ms = (now_ms + task.run(now_ms)) & 0x3fffffff
        manager.raise_alarm(name, now_ms)
    for _ in range(3000):
        now_ms = (now_ms + task.run(now_ms)) & 0x3fffffff
locked(action)
"""
    )


def test_pressure_sensor_faults_and_occlusions_allocate_nothing():
    out = on_vm(
        PRELUDE
        + """
sensor = Sensor()
config = {"offset_mv": 500, "gain_pa_per_mv": (60, 1), "open_mv": 3200, "short_mv": 100}
task = PressureTask(sensor, config, threshold.ThresholdDetector(70_000, 500), host.report)
def runs(now_ms, n):
    for _ in range(n):
        now_ms = (now_ms + task.run(now_ms)) & 0x3fffffff
    return now_ms
def action():
    now_ms = 0x3fffffff - 3_000
    for raw in (8000, 10_000, 16_000, 100, 8000):
        sensor.raw = raw
        now_ms = runs(now_ms, 300)
    sensor.step = 0
    now_ms = runs(now_ms, 300)
    sensor.step = 1
    now_ms = runs(now_ms + 500, 300)
locked(action)
# occlusion; open; short, open ends; short ends; occlusion ends; frozen; stale, frozen ends; stale ends
print(host.told)
"""
    )
    assert out.split() == ["10"]


def test_a_turn_of_the_loop_and_a_wake_allocate_nothing():
    out = on_vm(
        PRELUDE
        + """
from pump.scheduler import Scheduler
class Task:
    name, max_late_ms, ran = "task", 5, 0
    def __init__(self, period_ms): self.period_ms = period_ms
    def run(self, now_ms):
        self.ran += 1
        if self.ran % 7 == 0: loop.wake(last)
        return self.period_ms
class Clock:
    now_ms = 0x3fffffff - 500
    def ticks_ms(self): return self.now_ms
    def sleep_ms(self, ms): self.now_ms = (self.now_ms + ms) & 0x3fffffff
clock = Clock()
last = Task(1000)
loop = Scheduler(clock.ticks_ms, clock.sleep_ms)
loop.set_tasks([Task(10), Task(4), Task(30), last], lambda: None, host.notify)
loop.begin()
def action():
    for _ in range(1000): clock.sleep_ms(loop.turn())
action()  # what instances hold is made by their first use
locked(action)
print(host.told, [slot.runs > 30 for slot in loop.slots])
"""
    )
    assert out.split() == ["0", "[True,", "True,", "True,", "True]"]


def test_a_note_in_the_journal_allocates_nothing():
    out = on_vm(
        PRELUDE
        + """
from pump.storage import journal
from pump.storage.event_log import EventLog
class Clock:
    ms = 5
    def ticks_ms(self): return self.ms
journal.time = Clock()
book = journal.Journal(())
book.set_clock(217684800, 450)
log = EventLog(book)
def action():
    for name in ("occlusion", "task_overrun"):
        log.alarm(name, "high", True)
        log.alarm(name, "none", False)
    log.state(supervisor.INFUSING, supervisor.START)
    book.note(journal.ENTRY_VOLUME, 3, -1234567, 900000)
    for _ in range(30): book.note(journal.ENTRY_STATE, 1, 2)  # until there is no more room
locked(action)
print(book.waiting, book.lost)
"""
    )
    assert out.split() == ["24", "13"]  # the clock, 6 of the action and 30: 37
