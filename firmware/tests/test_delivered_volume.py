"""The delivered volume: within the bound of the newest entry after a power cut, exact after a watchdog reset."""

import types

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pump.core import supervisor as sv
from pump.storage import journal as journal_module
from pump.storage.at_boot import SPARE
from pump.storage.journal import Journal
from pump.storage.last_therapy import NO_BOUND, LastTherapy
from pump.storage.record import FOLDERS, RecordStore
from pump.storage.ring import Ring
from pump.tasks import delivered_volume as module
from pump.tasks.delivered_volume import DeliveredVolume
from tests.fake_flash import FakeFlash

STEP_NL = 350
MEM = (1, 2, 3)
BLOCKS = ((0, 1, 2), (3, 4), (5, 6, 7, 8))


class Delivery:
    def __init__(self):
        self.net = self.commanded_steps = self.rate_ul_h = 0
        self.moving = self.back = False
        self.therapy = None

    def net_steps(self):
        return self.net

    def counted_steps(self):
        return self.net

    def delivered_nl(self):
        return self.net * STEP_NL

    def halt(self):
        self.commanded_steps = self.net
        self.moving = False


class Therapy:
    def __init__(self, rate_ul_h, **more):
        self.regimen = {"kind": "continuous", "segments": [[rate_ul_h, rate_ul_h, 0, 0]], **more}
        self.segments = types.SimpleNamespace(rate_ul_h=rate_ul_h)
        self.square = types.SimpleNamespace(left_ticks=0, rate_ul_h=0)
        self.whole = 1 << 30

    def all_made(self, steps):
        return steps >= self.whole


class World:
    """The parts of a pump that the delivered volume uses. `boot` starts its firmware again on the same flash."""

    def __init__(self, root):
        self.now_ms = 0
        self.root = str(root)
        self.flash = FakeFlash(9)
        self.scratch = dict.fromkeys(MEM, 0)
        self.boot()

    def boot(self, watchdog_reset=False, power=True, trouble=False):
        if power:
            self.scratch = dict.fromkeys(MEM, 0)
        self.delivery = Delivery()
        self.journal = Journal([Ring(self.flash, BLOCKS[i], SPARE[i]) for i in range(3)])
        self.rest()
        self.relief = types.SimpleNamespace(busy=False)
        self.alarms = types.SimpleNamespace(stops_delivery=lambda: False)
        self.scheduler = types.SimpleNamespace(fed_ms=self.now_ms, wake=lambda task: None, excuse_stall=lambda: None)
        profile = {"mechanics": {"step_pl": [STEP_NL * 1000, 1]}, "occlusion": {"retract_ul_h": 500_000}}
        self.store = RecordStore(self.root)
        self.volume = DeliveredVolume(
            LastTherapy(self.store, self.journal), self.scratch, self.alarms, self.scheduler, self.delivery,
            self.relief, profile,
        )  # fmt: skip
        self.volume.recall(watchdog_reset, trouble)
        self.rest()
        return self.volume.to_dict()

    def rest(self):
        """Does the work of the journal's task while the motor stands."""
        self.journal.flush()
        while (ring := self.journal.wants_erase(False)) is not None:
            ring.erase()
        self.journal.flush()

    def start(self, rate_ul_h, **more):
        therapy = Therapy(rate_ul_h, **more)
        self.volume.begin(therapy, None)
        self.delivery.therapy = therapy
        self.delivery.moving, self.delivery.net, self.delivery.commanded_steps = True, 0, 0
        self.delivery.rate_ul_h = rate_ul_h
        self.volume.on_state(sv.IDLE, sv.INFUSING, sv.START)

    def grant(self, steps):
        self.volume.on_grant(False)
        self.delivery.commanded_steps += steps
        self.volume.on_grant(True)

    def poll(self, after_ms=100):
        self.now_ms += after_ms
        self.volume.run(self.now_ms)
        self.journal.flush()

    def make(self, steps):
        self.delivery.net += steps
        self.delivery.commanded_steps = max(self.delivery.commanded_steps, self.delivery.net)


@pytest.fixture
def world(tmp_path, monkeypatch):
    holder = []
    clock = types.SimpleNamespace(ticks_ms=lambda: holder[0].now_ms & 0x3FFFFFFF if holder else 0)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(journal_module, "time", clock)
    holder.append(World(tmp_path))
    return holder[0]


def bound_steps(rate_ul_h):
    return (20_000 + rate_ul_h * 5 // 9) // STEP_NL + 2


def test_a_new_pump_has_given_nothing(world):
    reported = world.boot()
    assert (reported["outcome"], reported["seen"], reported["delivered_nl"]) == ("none", True, None)


def test_before_the_first_step_it_is_in_the_flash(world):
    world.start(5_000, vtbi_nl=7)
    reported = world.boot()
    assert (reported["outcome"], reported["number"], reported["seen"]) == ("interrupted", 1, False)
    assert (reported["rate_ul_h"], reported["vtbi_nl"], reported["delivered_nl"]) == (5_000, 7, 0)
    assert reported["unsure_nl"] == bound_steps(5_000) * STEP_NL + 2
    assert world.boot() == reported  # and stays so


def test_the_highest_rate_that_it_may_have_makes_the_bound(world):
    world.start(1_000, bolus={"rate_ul_h": 100_000})
    assert world.boot()["unsure_nl"] == bound_steps(101_000) * STEP_NL + 2


def test_it_is_noted_after_20_ul_but_once_a_second_at_most(world):
    world.start(1_200_000)
    seq = world.journal.seq
    for _ in range(30):
        world.make(100)  # 35 µL in 100 ms
        world.poll()
    assert world.journal.seq - seq == 1 + 2  # the change of state at 0.1 s, then at 1.1 and 2.1 s
    world.delivery.rate_ul_h = 100
    world.poll(1000)
    seq = world.journal.seq
    for _ in range(57):  # 19.95 µL
        world.make(1)
        world.poll(1000)
    assert world.journal.seq == seq
    world.make(1)
    world.poll()
    assert world.journal.seq == seq + 1


@pytest.mark.parametrize("uncounted", [0, 1, 40])
def test_after_a_watchdog_reset_all_granted_steps_were_made(world, uncounted):
    world.start(100_000)
    world.poll()
    world.make(123)
    world.grant(uncounted)
    reported = world.boot(watchdog_reset=True, power=False)
    assert (reported["outcome"], reported["delivered_nl"], reported["unsure_nl"]) == (
        "interrupted",
        (123 + uncounted) * STEP_NL,
        0,
    )
    assert world.boot() == reported  # it is in the flash now


def test_a_grant_of_a_loop_that_was_late_may_have_been_cut(world):
    world.start(100_000)
    world.make(123)
    world.now_ms += 1500
    world.grant(40)
    reported = world.boot(watchdog_reset=True, power=False)
    assert (reported["delivered_nl"], reported["unsure_nl"]) == (123 * STEP_NL, 40 * STEP_NL + 2)


def test_what_was_being_drawn_back_is_taken_off(world):
    world.start(100_000)
    world.make(500)
    world.delivery.back = True
    world.grant(30)
    reported = world.boot(watchdog_reset=True, power=False)
    assert (reported["delivered_nl"], reported["unsure_nl"]) == (470 * STEP_NL, 0)


def test_a_watchdog_reset_during_a_grant_falls_back_to_the_flash(world):
    world.start(100_000)
    world.make(10)
    world.volume.on_grant(False)
    reported = world.boot(watchdog_reset=True, power=False)
    assert (reported["delivered_nl"], reported["unsure_nl"]) == (0, bound_steps(100_000) * STEP_NL + 2)


@pytest.mark.parametrize("at", MEM)
def test_a_damaged_register_is_not_believed(world, at):
    world.start(100_000)
    world.make(10)
    world.grant(5)
    world.scratch[at] ^= 1 << 7
    assert world.boot(watchdog_reset=True, power=False)["unsure_nl"] > 0


def test_a_cut_while_it_is_drawn_back_may_have_given_less(world):
    world.start(100_000)
    world.make(2000)
    world.poll(2000)
    world.relief.busy = True
    world.poll()
    reported = world.boot()
    most = bound_steps(500_000)
    assert (reported["delivered_nl"], reported["unsure_nl"]) == ((2000 - most) * STEP_NL, most * STEP_NL + 2)


@pytest.mark.parametrize(
    ("new", "event", "whole", "outcome", "seen"),
    [
        (sv.PAUSED, sv.PAUSE, 999, "interrupted", False),
        (sv.IDLE, sv.STOP, 999, "stopped", True),
        (sv.IDLE, sv.STOP, 500, "complete", True),  # it was at the KVO rate
        (sv.IDLE, sv.COMPLETED, 500, "complete", True),
        (sv.ALARM_STOPPED, sv.ALARM_STOP, 999, "alarm_stopped", False),
        (sv.FAULT, sv.FAULT_FOUND, 999, "alarm_stopped", False),
    ],
)
def test_how_it_ended_outlives_the_supply(world, new, event, whole, outcome, seen):
    world.start(100_000)
    world.make(500)
    world.delivery.therapy.whole = whole
    world.delivery.moving = False
    world.volume.on_state(sv.INFUSING, new, event)
    world.poll()
    reported = world.boot()
    assert (reported["outcome"], reported["seen"]) == (outcome, seen)
    assert (reported["delivered_nl"], reported["unsure_nl"]) == (500 * STEP_NL, 0)


def test_complete_is_reported_only_when_the_motor_stood(world):
    world.start(100_000)
    world.make(500)
    world.volume.on_state(sv.INFUSING, sv.IDLE, sv.COMPLETED)  # its last steps run out
    world.poll()
    assert world.boot()["outcome"] == "interrupted"


def test_clearing_the_interruption_is_stored_too(world):
    world.start(100_000)
    reported = world.boot()
    assert not reported["seen"]
    world.alarms.stops_delivery = lambda: True
    world.volume.on_state(sv.SELF_TEST, sv.IDLE, sv.TEST_PASSED)
    world.volume.on_state(sv.IDLE, sv.ALARM_STOPPED, sv.ALARM_STOP)
    world.poll()
    assert not world.boot()["seen"]
    world.volume.on_state(sv.ALARM_STOPPED, sv.IDLE, sv.CLEAR_ALARMS)
    world.poll()
    assert world.boot() == {**reported, "seen": True}


def test_a_flash_that_takes_nothing_begins_nothing(world, monkeypatch):
    world.start(5_000)
    world.make(3)
    world.delivery.moving = False
    world.volume.on_state(sv.INFUSING, sv.IDLE, sv.STOP)
    world.poll()

    def broken(block, page, offset):
        raise OSError(5)

    with monkeypatch.context() as patch:
        patch.setattr(world.flash, "writeblocks", broken)
        with pytest.raises(OSError, match="5"):
            world.start(6_000)
    reported = world.boot()
    assert (reported["number"], reported["outcome"], reported["delivered_nl"]) == (2, "stopped", 0)


def test_a_record_torn_in_both_copies_is_unknown(world, tmp_path):
    world.start(100_000)
    world.make(700)
    for folder in FOLDERS:
        path = tmp_path / folder[1:] / "therapy"
        path.write_bytes(path.read_bytes()[:-9])
    reported = world.boot()
    assert (reported["outcome"], reported["delivered_nl"], reported["unsure_nl"]) == ("unknown", None, None)
    assert not reported["seen"]
    assert (tmp_path / FOLDERS[0][1:] / "therapy").exists()


def test_one_torn_copy_costs_nothing(world, tmp_path):
    world.start(100_000)
    path = tmp_path / FOLDERS[0][1:] / "therapy"
    path.write_bytes(path.read_bytes()[:-9])
    assert world.boot()["rate_ul_h"] == 100_000
    assert world.store.restored == ["therapy"]


def test_a_journal_that_was_lost_leaves_the_volume_unknown(world):
    world.start(100_000)
    world.make(700)
    for block in range(9):
        world.flash.ioctl(6, block)
    reported = world.boot(trouble=True)
    assert (reported["outcome"], reported["rate_ul_h"], reported["delivered_nl"]) == ("unknown", 0, None)
    assert world.boot() == reported  # though the journal is well again


def test_a_cut_between_record_and_journal_has_given_nothing(world, monkeypatch):
    """The motor has not turned by then."""
    world.start(100_000)
    world.make(700)
    world.delivery.moving = False
    world.volume.on_state(sv.INFUSING, sv.IDLE, sv.STOP)
    world.poll()
    monkeypatch.setattr(world.volume, "_open_entry", lambda steps, top: None)
    world.volume.begin(Therapy(5_000), None)
    reported = world.boot()
    assert (reported["number"], reported["outcome"], reported["delivered_nl"], reported["unsure_nl"]) == (
        2,
        "stopped",
        0,
        0,
    )


def test_where_no_sector_can_be_erased_the_last_entry_has_no_bound(world):
    world.start(1_200_000)
    ring = world.journal.rings[2]
    while ring.room() > 4:
        world.make(1000)
        world.now_ms += 1000
        world.volume.run(world.now_ms)
        world.journal.flush()
        if world.volume.last_therapy.unsure == NO_BOUND:
            break
    assert ring.room() == 8 - 1
    reported = world.boot()
    assert (reported["outcome"], reported["delivered_nl"], reported["unsure_nl"]) == ("interrupted", None, None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rates=st.lists(st.integers(100, 1_200_000), min_size=1, max_size=4),
    spans_ms=st.lists(st.integers(0, 6_000), min_size=4, max_size=4),
    write_ms=st.integers(1, 450),
    phase=st.integers(0, 99),
)
def test_a_cut_at_any_moment_leaves_it_within_the_bound(world, rates, spans_ms, write_ms, phase):
    """The journal is written up to 450 ms late: the interval of its task plus the longest erase."""
    world.rest()
    world.start(rates[0])
    made_nl = 0.0
    top = rates[0]
    due_ms = None
    for rate, span_ms in zip(rates, spans_ms, strict=False):
        world.volume.before_motion(max(0, rate - world.delivery.therapy.segments.rate_ul_h))
        world.delivery.therapy.regimen["segments"][0][:2] = [rate, rate]
        world.delivery.therapy.segments.rate_ul_h = world.delivery.rate_ul_h = rate
        top = max(top, rate)
        for _ in range(span_ms // 10):
            world.now_ms += 10
            made_nl += rate / 360
            world.delivery.net = int(made_nl // STEP_NL)
            if world.now_ms % 100 == phase // 10 * 10:
                world.volume.run(world.now_ms)
            if world.journal.waiting and due_ms is None:
                due_ms = world.now_ms + write_ms
            if due_ms is not None and world.now_ms >= due_ms:
                world.journal.flush()
                due_ms = None
    given_nl = world.delivery.net * STEP_NL
    reported = world.boot()
    assert reported["outcome"] == "interrupted"
    assert reported["delivered_nl"] <= given_nl <= reported["delivered_nl"] + reported["unsure_nl"]
    assert reported["unsure_nl"] <= bound_steps(top) * STEP_NL + 2 + STEP_NL
