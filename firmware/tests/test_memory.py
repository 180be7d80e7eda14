"""The pump says that its memory runs out when it does, and not for garbage that a collection takes away."""

import types

import pytest

from pump.tasks import garbage_collection

LEAST = 6000
PERIOD_MS = 5000


class Heap:
    def __init__(self):
        self.garbage = 0
        self.free = 20_000
        self.collections = 0
        self.woken = None
        self.excused = []  # after so many collections

    def excuse(self):
        self.excused.append(self.collections)

    def wake(self, task):
        self.woken = task

    def collect(self):
        self.collections += 1
        self.garbage = 0

    def mem_free(self):
        return self.free - self.garbage


@pytest.fixture
def heap(monkeypatch):
    heap = Heap()
    monkeypatch.setattr(garbage_collection, "gc", types.SimpleNamespace(collect=heap.collect, mem_free=heap.mem_free))
    return heap


@pytest.fixture
def raised():
    return []


@pytest.fixture
def task(heap, raised):
    return garbage_collection.GarbageCollection(raised.append, heap)


def test_it_collects_in_one_turn_and_counts_in_another(task, heap):
    task.collect_soon()
    assert task.run(0) < PERIOD_MS
    assert (heap.collections, task.free) == (1, 0)
    assert task.run(50) == PERIOD_MS
    assert (heap.collections, task.free) == (1, 20_000)


def test_as_the_loop_begins_it_only_counts_for_it_was_collected_before(task, heap):
    assert task.run(0) == PERIOD_MS
    assert (heap.collections, task.free) == (0, 20_000)


def test_each_collection_is_excused_and_no_count_is(task, heap):
    for turn in range(4):
        task.run(50 * turn)
    assert heap.collections == 2
    assert heap.excused == [1, 2]


@pytest.mark.parametrize(("free", "low"), [(LEAST, False), (LEAST - 1, True)])
def test_low_memory_is_reported_at_the_second_measurement(task, heap, raised, free, low):
    heap.free = free
    task.collect_soon()
    for now_ms in (0, 50):
        assert task.run(now_ms) < PERIOD_MS
        assert raised == []
    task.run(100)
    assert raised == ([100] if low else [])


def test_garbage_since_the_collection_is_no_lack_of_memory(task, heap, raised):
    for _ in range(3):
        task.run(0)
        heap.garbage = 18_000
        task.run(50)
        heap.garbage = 18_000
        task.run(100)
        assert (task.free, raised) == (20_000, [])
