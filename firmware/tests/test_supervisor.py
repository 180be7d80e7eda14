"""The safety tables, read a second time: here by event, in words."""

from hypothesis import given
from hypothesis import strategies as st

from pump.core import supervisor as sv

# "no": refused. "-": accepted, nothing changes.
EXPECTED = """
               self_test  idle           infusing       paused         alarm_stopped  fault      service
test_passed    idle       no             no             no             no             no         no
test_failed    fault      fault          fault          fault          fault          -          -
start          no         infusing       no             no             no             no         no
pause          no         no             paused         -              no             no         no
resume         no         no             no             infusing       no             no         no
stop           -          -              idle           idle           -              -          -
completed      no         no             idle           idle           no             no         no
alarm_stop     -          alarm_stopped  alarm_stopped  alarm_stopped  -              -          -
clear_alarms   -          -              -              -              idle           no         no
fault_found    fault      fault          fault          fault          fault          -          -
service        service    service        no             no             service        service    -
reset          -          self_test      no             self_test      self_test      self_test  self_test
self_test      no         self_test      no             no             no             no         no
auto_restart   no         no             no             no             infusing       no         no
"""

ALL_STATES = range(len(sv.STATES))
ALL_EVENTS = range(len(sv.EVENTS))


def in_words(new):
    return {sv.REFUSED: "no", sv.SAME: "-"}.get(new) or sv.STATES[new]


def test_every_pair_of_state_and_event_is_decided_as_listed_here():
    header, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    assert header == list(sv.STATES)
    assert [row[0] for row in rows] == list(sv.EVENTS)
    assert len(sv.TABLE) == len(sv.STATES)
    for event, row in enumerate(rows):
        for state in ALL_STATES:
            assert len(sv.TABLE[state]) == len(sv.EVENTS)
            assert in_words(sv.TABLE[state][event]) == row[1 + state], (sv.STATES[state], sv.EVENTS[event])


def test_names_for_the_link_are_those_of_the_protocol_in_the_order_of_the_numbers():
    named = {name.lower(): value for name, value in vars(sv).items() if name.lower() in sv.STATES}
    assert named == {name: number for number, name in enumerate(sv.STATES)}


def test_motor_is_permitted_in_infusing_and_nowhere_else():
    assert [sv.STATES[s] for s in ALL_STATES if sv.PERMITS[s][sv.MOTOR]] == ["infusing"]


def test_keep_vein_open_is_permitted_only_where_the_motor_is():
    assert all(sv.PERMITS[s][sv.MOTOR] for s in ALL_STATES if sv.PERMITS[s][sv.KVO_ALLOWED])


def test_commands_that_change_flow_are_taken_only_with_an_infusion_under_way():
    assert {sv.STATES[s] for s in ALL_STATES if sv.PERMITS[s][sv.FLOW_COMMANDS]} == {"infusing", "paused"}


def entries(state):
    """(from, event) of each way into a state."""
    return {(s, e) for s in ALL_STATES for e in ALL_EVENTS if sv.TABLE[s][e] == state}


def test_only_start_resume_and_an_automatic_restart_lead_to_motion():
    assert entries(sv.INFUSING) == {
        (sv.IDLE, sv.START),
        (sv.PAUSED, sv.RESUME),
        (sv.ALARM_STOPPED, sv.AUTO_RESTART),
    }


def test_the_plunger_may_be_drawn_back_after_an_alarm_stop_and_nowhere_else():
    permitted = [sv.STATES[s] for s in ALL_STATES if sv.PERMITS[s][sv.RETRACTION]]
    assert permitted == ["alarm_stopped"]


def test_no_state_permits_both_directions():
    assert not any(sv.PERMITS[s][sv.MOTOR] and sv.PERMITS[s][sv.RETRACTION] for s in ALL_STATES)


def test_fault_is_left_only_by_a_reset_or_by_service_which_ends_in_one():
    ways_out = {e: sv.TABLE[sv.FAULT][e] for e in ALL_EVENTS if sv.TABLE[sv.FAULT][e] >= 0}
    assert ways_out == {sv.RESET_ASKED: sv.SELF_TEST, sv.SERVICE_ASKED: sv.SERVICE}
    assert {e for e in ALL_EVENTS if sv.TABLE[sv.SERVICE][e] >= 0} == {sv.RESET_ASKED}


def test_idle_is_reached_from_boot_only_through_a_passed_self_test():
    assert {e for e in ALL_EVENTS if sv.TABLE[sv.SELF_TEST][e] == sv.IDLE} == {sv.TEST_PASSED}


def test_stop_alarms_and_faults_are_never_refused_and_never_end_in_motion():
    for event in (sv.STOP, sv.ALARM_STOP, sv.FAULT_FOUND, sv.TEST_FAILED):
        for state in ALL_STATES:
            new = sv.TABLE[state][event]
            assert new != sv.REFUSED
            assert (state if new == sv.SAME else new) != sv.INFUSING


def test_reset_is_refused_only_while_infusing_and_service_also_while_paused():
    refused = lambda event: {sv.STATES[s] for s in ALL_STATES if sv.TABLE[s][event] == sv.REFUSED}  # noqa: E731
    assert refused(sv.RESET_ASKED) == {"infusing"}
    assert refused(sv.SERVICE_ASKED) == {"infusing", "paused"}


def test_listeners_of_an_accepted_event_see_the_new_state():
    seen = []
    supervisor = sv.Supervisor(lambda *what: seen.append((*what, supervisor.state, supervisor.permits_motor)))
    assert supervisor.handle(sv.TEST_PASSED, 5)
    assert supervisor.handle(sv.START, 7)
    assert seen == [
        (sv.SELF_TEST, sv.IDLE, sv.TEST_PASSED, 5, sv.IDLE, False),
        (sv.IDLE, sv.INFUSING, sv.START, 7, sv.INFUSING, True),
    ]


def test_a_refused_event_and_one_that_changes_nothing_are_not_reported():
    seen = []
    supervisor = sv.Supervisor(lambda *change: seen.append(change))
    assert not supervisor.handle(sv.START, 0)
    assert supervisor.handle(sv.STOP, 0)
    assert seen == []
    assert supervisor.state == sv.SELF_TEST


def test_an_alarm_during_the_self_test_stops_the_pump_right_after_it():
    supervisor = sv.Supervisor(lambda *change: None)
    assert supervisor.handle(sv.ALARM_STOP, 0)
    assert supervisor.handle(sv.TEST_PASSED, 1)
    assert supervisor.handle(sv.ALARM_STOP, 2)  # the level is still there
    assert not supervisor.handle(sv.START, 3)
    assert supervisor.state == sv.ALARM_STOPPED


@given(st.lists(st.sampled_from(ALL_EVENTS), max_size=60))
def test_whatever_happens_the_motor_is_permitted_exactly_while_infusing_and_changes_form_a_chain(events):
    chain = [sv.SELF_TEST]
    last = []

    def on_change(old, new, event, now_ms):
        assert old == chain[-1] != new
        chain.append(new)
        last[:] = [event]

    supervisor = sv.Supervisor(on_change)
    for event in events:
        before = supervisor.state
        accepted = supervisor.handle(event, 0)
        assert accepted or supervisor.state == before
        assert supervisor.state == chain[-1]
        assert supervisor.permits_motor == (supervisor.state == sv.INFUSING)
        assert supervisor.permits_retraction == (supervisor.state == sv.ALARM_STOPPED)
        assert not supervisor.permits_motor or last[0] in (sv.START, sv.RESUME, sv.AUTO_RESTART)
