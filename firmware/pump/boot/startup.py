"""The beginning of a boot: checks the profile, assembles the pump, and reports what the last boot left behind. Dropped
after the boot (run.py).
"""

# The parts are a plain record (assembly.py), whose attributes the checker cannot know.
# pyright: reportAttributeAccessIssue=false

import sys
import time

from pump import build
from pump.core.supervisor import FAULT_FOUND
from pump.drivers.chip import Watchdog
from pump.storage import reset_note


def start(note, reason):
    """Returns the Parts (assembly.py), whose scheduler has its tasks; nothing runs yet. `reason`: of the reset note."""
    profile = _checked_profile()
    from pump.boot.assembly import assemble, tasks_of

    pump = assemble(note, profile)
    _report_boot(pump, _cause(note, reason), time.ticks_ms())
    watchdog = Watchdog()
    pump.scheduler.set_tasks(tasks_of(pump), watchdog.feed, pump.app.on_overrun, pump.samplers)
    return pump


def _checked_profile():
    """The checked profile, or None when it is not valid. The modules that check it are dropped: their tables and texts
    are needed once.
    """
    from pump import storage
    from pump.storage import profile, profile_table

    checked = None
    try:
        checked = profile.load_profile()
    except profile.ProfileFault:
        pass  # _report_boot() raises the alarm
    for module in (profile, profile_table):
        delattr(storage, module.__name__.rpartition(".")[2])
        del sys.modules[module.__name__]
    return checked


def _report_boot(pump, cause, now_ms):
    """Reports what the last boot left behind, and what this one lacks."""
    app, last_therapy, note = pump.app, pump.last_therapy, pump.note
    pump.event_log.boot(cause, pump.boot)
    pump.delivered_volume.recall(cause == "watchdog", pump.journal_trouble)
    pump.outbox.ready({"boot": pump.boot, "version": build.VERSION, "reset_cause": cause})
    if pump.journal_trouble or last_therapy.lost or (pump.reservoir is not None and pump.reservoir.lost):
        app.report_once("storage_fault", now_ms)
    if pump.profile is None:
        app.report("profile_fault", True, now_ms)
        pump.supervisor.handle(FAULT_FOUND, now_ms)
    if pump.calibration_fault is not None:
        app.report("calibration_fault", True, now_ms)
        pump.supervisor.handle(FAULT_FOUND, now_ms)
    pump.drug_orders.load(now_ms)
    note.set(reset_note.WAS_INFUSING if note.was_infusing else reset_note.WAS_RUNNING)
    if note.was_infusing or not last_therapy.seen:
        app.report_once("interrupted", now_ms)
    elif cause == "crash" or cause == "watchdog":
        app.report_once("restarted", now_ms)


def _cause(note, reason):
    """Why the board started: "power_on", "crash", "watchdog" or "reset"."""
    if note.watchdog_works is not None:
        return "power_on"
    causes = {reset_note.AFTER_CRASH: "crash", reset_note.WAS_INFUSING: "watchdog", reset_note.WAS_RUNNING: "watchdog"}
    return causes.get(reason, "reset")
