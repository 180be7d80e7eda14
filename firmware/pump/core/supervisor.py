"""What the pump may do: the one place that decides, from two tables.

TABLE says where each event leads from each state, PERMITS what each state allows. Everything that wants the
motor to move asks `permits_motor`; everything that happens (a command, a test's result, an alarm) comes in
by `handle`. Nothing here knows rates, alarms or pins, so the whole of it can be read, and tested, on one
page.

Wiring: ALARM_STOP is a level, not an edge. It is sent when an alarm is raised and again after each change
of state, while the alarm manager's `stops_delivery()` is true. So an alarm raised during the self-test is
not lost (it stops the pump right after TEST_PASSED), and an operator cannot clear a stop whose cause is
still there.
"""

from micropython import const

SELF_TEST = const(0)
IDLE = const(1)
INFUSING = const(2)
PAUSED = const(3)
ALARM_STOPPED = const(4)
FAULT = const(5)
SERVICE = const(6)

STATES = ("self_test", "idle", "infusing", "paused", "alarm_stopped", "fault", "service")

TEST_PASSED = const(0)
TEST_FAILED = const(1)
START = const(2)
PAUSE = const(3)
RESUME = const(4)
STOP = const(5)
COMPLETED = const(6)  # the volume to be infused has been delivered, by the step counter
ALARM_STOP = const(7)  # an alarm that stops delivery is active
CLEAR_ALARMS = const(8)  # the operator's reset of alarms
FAULT_FOUND = const(9)  # something is wrong that no operator can put right
SERVICE_ASKED = const(10)
RESET_ASKED = const(11)
SELF_TEST_ASKED = const(12)
AUTO_RESTART = const(13)  # the line that was blocked is seen open, and the profile lets the pump go on by itself

EVENTS = (
    "test_passed", "test_failed", "start", "pause", "resume", "stop", "completed",
    "alarm_stop", "clear_alarms", "fault_found", "service", "reset", "self_test",
    "auto_restart",
)  # fmt: skip

REFUSED = const(-1)  # not in this state; nothing changes, and the sender gets an error
SAME = const(-2)  # accepted; the state stays

# Short, so that the table is a table.
_TST, _IDL, _INF, _PAU, _STP, _FLT, _SRV = SELF_TEST, IDLE, INFUSING, PAUSED, ALARM_STOPPED, FAULT, SERVICE
_no, _ok = REFUSED, SAME

# Two rules. Towards rest, a command that changes nothing is accepted: STOP is never refused. Towards motion, a
# command is accepted only where it changes something: RESUME to an infusing pump shows a mistake about its state,
# and is refused.
# fmt: off
TABLE = (
    #PASSED FAILED START PAUSE RESUME STOP  COMPL ALARM CLEAR FAULT SERVICE RESET SELF_TEST AUTO
    # SELF_TEST: the test is finished first, an alarm waits for its end (see above). START waits for the test.
    (_IDL, _FLT,  _no,  _no,  _no,   _ok,  _no,  _ok,  _ok,  _FLT, _SRV,   _ok,  _no,     _no),
    # IDLE: an alarm that stops delivery also bars a START, until a person has seen it. PAUSE is refused: it
    # promises a RESUME.
    (_no,  _FLT,  _INF, _no,  _no,   _ok,  _no,  _STP, _ok,  _FLT, _SRV,   _TST, _TST,     _no),
    # INFUSING: what would end the infusion by the way (service, reset, self-test, a second START) is
    # refused: stop first.
    (_no,  _FLT,  _no,  _PAU, _no,   _IDL, _IDL, _STP, _ok,  _FLT, _no,    _no,  _no,     _no),
    # PAUSED: COMPLETED, because a pause finishes the steps already granted, and they can be the last.
    # ALARM_STOP: pressure can pass the limit with the motor at rest (a patient lies down on the line);
    # RESUME must then not be possible. START would drop the rest.
    (_no,  _FLT,  _no,  _ok,  _INF,  _IDL, _IDL, _STP, _ok,  _FLT, _no,    _TST, _no,     _no),
    # ALARM_STOPPED: the infusion is over. COMPLETED is refused: after an occlusion it would be a false
    # "complete" (a recall). CLEAR leads to IDLE and not back to INFUSING or PAUSED: a rate from before the
    # alarm is started again by a person, or not at all. A self-test would be a way round CLEAR. Service is
    # allowed: a broken sensor must not lock the technician out. AUTO_RESTART comes from occlusion_recovery.py.
    (_no,  _FLT,  _no,  _no,  _no,   _ok,  _no,  _ok,  _IDL, _FLT, _SRV,   _TST, _no,     _INF),
    # FAULT: latched. Only a reset leads out, and service, which ends in one. CLEAR is refused, for
    # it would not help.
    (_no,  _ok,   _no,  _no,  _no,   _ok,  _no,  _ok,  _no,  _ok,  _SRV,   _TST, _no,     _no),
    # SERVICE: every output is safe and only a reset leads out, as from FAULT, so a fault has nothing to add
    # and does not end the repair.
    (_no,  _ok,   _no,  _no,  _no,   _ok,  _no,  _ok,  _no,  _ok,  _ok,    _TST, _no,     _no),
)
# fmt: on

# Columns of PERMITS.
MOTOR = const(0)  # steps may be granted
KVO_ALLOWED = const(1)  # a therapy may fall to a keep-vein-open rate; only where the motor may move
FLOW_COMMANDS = const(2)  # methods of the link that change what flows, or will flow on RESUME
RETRACTION = const(3)  # the plunger may be drawn back (tasks/pressure_relief.py), and only back

PERMITS = (
    (False, False, (), False),  # SELF_TEST
    (False, False, (), False),  # IDLE: START is an event of the table, not a change of flow
    (True, True, ("set_rate", "bolus"), False),  # INFUSING
    (False, False, ("set_rate",), False),  # PAUSED: the rate for RESUME; the motor is at rest
    (False, False, (), True),  # ALARM_STOPPED: after an occlusion
    (False, False, (), False),  # FAULT
    (False, False, (), False),  # SERVICE
)


def takes(state, event):
    """Whether `event` is accepted in `state`."""
    return TABLE[state][event] != REFUSED


class Supervisor:
    """The state, and the only way to change it."""

    def __init__(self, on_change):
        """`on_change(old, new, event, now_ms)` is called after each change, with the new state already in
        force."""
        self._on_change = on_change
        self.state = SELF_TEST
        self.permits_motor = PERMITS[SELF_TEST][MOTOR]  # an attribute: the hot path reads it
        self.permits_retraction = PERMITS[SELF_TEST][RETRACTION]

    def handle(self, event, now_ms):
        """Takes an event. False: refused, nothing changed."""
        new = TABLE[self.state][event]
        if new == REFUSED:
            return False
        if new != SAME:
            old = self.state
            self.state = new
            self.permits_motor = PERMITS[new][MOTOR]
            self.permits_retraction = PERMITS[new][RETRACTION]
            self._on_change(old, new, event, now_ms)
        return True
