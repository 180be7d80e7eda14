"""The begin of a boot: the profile is checked, the pump assembled, and what the last boot left behind is told. Needed
once, and not kept (run.py).
"""

import sys
import time

from pump.core import supervisor as sv
from pump.drivers.chip import Watchdog
from pump.scheduler import Scheduler
from pump.storage.reset_note import AFTER_CRASH, WAS_INFUSING, WAS_RUNNING


def start(note, reason):
    """Returns the App; its scheduler is made, and nothing runs yet. `reason`: of the reset note."""
    profile = _checked_profile()
    from pump.boot.assembly import assemble

    app, trouble = assemble(note, profile)
    _tell(app, trouble, _cause(note, reason), time.ticks_ms())
    watchdog = Watchdog()
    scheduler = Scheduler(app.tasks, time.ticks_ms, time.sleep_ms, watchdog.feed, app.on_overrun)
    app.scheduler = app.leave.scheduler = scheduler
    return app


def _checked_profile():
    """None where it is not one. What checks it is not kept: nobody needs its tables and texts again."""
    from pump import storage
    from pump.storage import profile, profile_table

    checked = None
    try:
        checked = profile.load_profile()
    except profile.ProfileFault:
        pass  # _tell() does
    for module in (profile, profile_table):
        del sys.modules[module.__name__]
    del storage.profile, storage.profile_table
    return checked


def _tell(app, trouble, cause, now_ms):
    """What the last boot left behind, and what this one lacks."""
    app.witness.boot(cause, app.boot)
    app.ledger.recall(cause == "watchdog", trouble)
    app.outbox.ready({"boot": app.boot, "version": app.commands.version, "reset_cause": cause})
    if trouble or app.ledger.last.lost or (app.reservoir is not None and app.reservoir.lost):
        app.tell_of("storage_fault", now_ms)
    if app.profile is None:
        app.report("profile_fault", True, now_ms)
        app.supervisor.handle(sv.FAULT_FOUND, now_ms)
    if app.calibrator.fault is not None:
        app.report("calibration_fault", True, now_ms)
        app.supervisor.handle(sv.FAULT_FOUND, now_ms)
    app.pharmacy.load(app.profile is not None and app.profile["library"]["required"], now_ms)
    app.note.set(WAS_INFUSING if app.note.was_infusing else WAS_RUNNING)
    if app.note.was_infusing or not app.ledger.last.seen:
        app.tell_of("interrupted", now_ms)
    elif cause == "crash" or cause == "watchdog":
        app.tell_of("restarted", now_ms)


def _cause(note, reason):
    if note.watchdog_works is not None:
        return "power_on"
    return {AFTER_CRASH: "crash", WAS_INFUSING: "watchdog", WAS_RUNNING: "watchdog"}.get(reason, "reset")
