"""Two tables in turn, on a model of two DMA channels: chained only to a table that is armed, and to none once."""

import importlib
import sys
import types

import pytest


class Channel:
    """A DMA channel as far as the feed uses it. `finish` ends its table and starts the channel it is chained to."""

    def __init__(self, all_channels):
        self.channel = len(all_channels)
        self._all = all_channels
        all_channels.append(self)
        self.running = False
        self.count = 0
        self.ctrl = None

    def pack_ctrl(self, *, size, inc_write, treq_sel, chain_to):
        assert (size, inc_write) == (2, False)  # 32-bit words to one register
        return {"request": treq_sel, "chain": chain_to}

    def config(self, *, read=None, write=None, count=None, ctrl=None, trigger=False):
        if count is not None:
            self.count, self.read, self.write = count, read, write
        if ctrl is not None:
            self.ctrl = ctrl
        if trigger:
            assert not self.running
            self.running = True

    def active(self, value=None):
        if value is not None:
            self.running = bool(value)
        return self.running

    def finish(self):
        assert self.running
        self.running = False
        chained = self.ctrl["chain"]
        if chained != self.channel:
            self._all[chained].running = True


@pytest.fixture
def channels():
    return []


@pytest.fixture
def feed(channels, monkeypatch):
    rp2 = types.ModuleType("rp2")
    rp2.DMA = lambda: Channel(channels)
    monkeypatch.setitem(sys.modules, "rp2", rp2)
    monkeypatch.delitem(sys.modules, "pump.drivers.step_feed", raising=False)
    yield importlib.import_module("pump.drivers.step_feed").StepFeed("state machine", 0)
    sys.modules.pop("pump.drivers.step_feed")


def test_the_first_table_starts_at_once_and_chains_to_none(feed, channels):
    index = feed.free()
    feed.grant(index, 7)
    assert channels[index].running
    assert channels[index].count == 7
    assert channels[index].write == "state machine"
    assert channels[index].ctrl == {"request": 0, "chain": index}
    channels[index].finish()
    assert not feed.busy()  # what was granted ended by itself


def test_the_second_table_waits_for_the_first(feed, channels):
    first = feed.free()
    feed.grant(first, 7)
    second = feed.free()
    assert second == 1 - first
    feed.grant(second, 5)
    assert feed.free() == -1
    assert not channels[second].running
    channels[first].finish()
    assert channels[second].running
    assert feed.free() == first
    channels[second].finish()
    assert not feed.busy()


def test_a_first_table_that_ends_while_the_second_is_armed_starts_it_all_the_same(feed, channels):
    first = feed.free()
    feed.grant(first, 7)
    second = feed.free()
    channel = channels[first]
    config = channels[second].config

    def ends_meanwhile(**arguments):
        config(**arguments)
        if arguments.get("count"):
            channel.finish()  # before it is chained

    channels[second].config = ends_meanwhile
    feed.grant(second, 5)
    assert channels[second].running


def test_an_abort_takes_the_chain_off_before_it_stops_a_channel(feed, channels):
    first = feed.free()
    feed.grant(first, 7)
    feed.grant(feed.free(), 5)
    for channel in channels:
        stop = channel.active

        def checked(value=None, channel=channel, stop=stop):
            if value is not None:
                assert channel.ctrl["chain"] == channel.channel
            return stop(value)

        channel.active = checked
    feed.abort()
    assert not feed.busy()
    assert feed.free() in (0, 1)


def test_the_request_is_that_of_the_state_machine_s_fifo(channels, feed):
    # RP2040 datasheet, 2.5.3.1: DREQ_PIO0_TX0 is 0, DREQ_PIO1_TX0 is 8.
    other = type(feed)("state machine", 6)  # the third of the second block
    other.grant(other.free(), 1)
    assert channels[2 + 1 - other.free()].ctrl["request"] == 10
