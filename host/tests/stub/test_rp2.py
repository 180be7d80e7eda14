"""`rp2` as firmware sees it: what works, what is refused and how."""

import pytest
from _gpio import COUNT, Gpio
from _pio import PioBlocks
from _world import WORLD
from pio_rig import edge_counter, step_program, word
from rp2 import PIO, StateMachine, asm_pio, bootsel_button

# ruff: noqa: F821


class Pin:
    def __init__(self, number):
        self.id = number


@pytest.fixture(autouse=True)
def world(monkeypatch):
    monkeypatch.setattr(WORLD, "now_ns", 0)
    monkeypatch.setattr(WORLD, "gpio", [Gpio(n) for n in range(COUNT)], raising=False)
    monkeypatch.setattr(WORLD, "pio", PioBlocks(WORLD.gpio), raising=False)
    monkeypatch.setattr(WORLD, "spin", lambda: advance(10_000))
    return WORLD


def advance(duration_ns):
    WORLD.pio.run_until(WORLD.now_ns + duration_ns)
    WORLD.now_ns += duration_ns


def test_the_generator_steps_and_the_counter_counts():
    stepper = StateMachine(0, step_program, freq=5_000_000, set_base=Pin(2))
    counter = StateMachine(4, edge_counter, freq=12_500_000, in_base=Pin(2))
    counter.exec("mov(x, invert(null))")
    counter.active(1)
    stepper.active(1)
    stepper.put(word(1000, 83))
    advance(100_000_000)
    counter.exec("mov(isr, x)")
    counter.exec("push(noblock)")
    assert 2**32 - 1 - counter.get() == 1000
    assert (stepper.tx_fifo(), counter.rx_fifo()) == (0, 0)


def test_a_put_on_a_full_fifo_waits_while_time_goes_on():
    stepper = StateMachine(0, step_program, freq=5_000_000, set_base=Pin(2))
    stepper.active(1)
    for _ in range(10):
        stepper.put(word(0, 5000 - 5))  # 1 ms each
    assert stepper.tx_fifo() == 8
    assert 1_000_000 <= WORLD.now_ns <= 1_020_000  # one word is being done, eight wait, one came when there was room


def test_what_would_hang_a_pico_is_an_error():
    stepper = StateMachine(0, step_program, freq=5_000_000, set_base=Pin(2))
    for _ in range(8):
        stepper.put(0)
    with pytest.raises(RuntimeError, match=r"StateMachine\(0\).put\(\) on a full FIFO"):
        stepper.put(0)
    with pytest.raises(RuntimeError, match="get"):
        stepper.get()


def test_a_running_one_without_a_receive_fifo_cannot_be_read():
    stepper = StateMachine(0, step_program, freq=5_000_000, set_base=Pin(2))
    stepper.active(1)
    with pytest.raises(RuntimeError, match="hang"):
        stepper.get()


@pytest.mark.parametrize("freq", [0, 1907, 125_000_001, 10**9])
def test_a_frequency_that_the_divider_cannot_make_is_refused(freq):
    with pytest.raises(ValueError, match="freq out of range"):
        StateMachine(0, step_program, freq=freq, set_base=Pin(2))


@pytest.mark.parametrize(("freq", "divider"), [(1908, 16771488), (125_000_000, 256), (5_000_000, 6400), (-1, 256)])
def test_the_divider_has_16_bits_and_8_of_fraction(freq, divider):
    """125 MHz * 256 / 1908 = 16,771,488.4: cut off."""
    assert StateMachine(0, step_program, freq=freq, set_base=Pin(2))._model.divider == divider


def test_ids_and_types_are_checked():
    for number in (-1, 8):
        with pytest.raises(ValueError, match="invalid StateMachine"):
            StateMachine(number)
    with pytest.raises(ValueError, match="invalid PIO"):
        PIO(2)
    with pytest.raises(TypeError):
        StateMachine(0, [1, 2, 3])
    with pytest.raises(TypeError):
        StateMachine(0, step_program, freq=5e6)
    with pytest.raises(TypeError):
        StateMachine(0, step_program, speed=5)


def test_a_full_instruction_memory_is_no_memory():
    @asm_pio()
    def big():
        for _ in range(21):
            nop()

    StateMachine(0, step_program)
    with pytest.raises(OSError, match="12"):  # ENOMEM
        StateMachine(1, big)
    PIO(0).remove_program(step_program)
    StateMachine(1, big)
    with pytest.raises(ValueError, match="prog not in instruction memory"):
        PIO(0).remove_program(step_program)
    PIO(0).remove_program()


@pytest.mark.parametrize(
    "use",
    [
        lambda: StateMachine(0).irq(print),
        lambda: PIO(0).irq(print),
        lambda: StateMachine(0, step_program, push_thresh=8),
        lambda: StateMachine(0, step_program).put(b"12"),
        lambda: StateMachine(0, step_program).get(bytearray(2)),
    ],
)
def test_what_is_not_modelled_says_so(use):
    with pytest.raises(NotImplementedError, match="modelled"):
        use()


def test_pins_are_in_their_initial_state_before_it_runs():
    @asm_pio(set_init=(PIO.OUT_HIGH, PIO.OUT_LOW), sideset_init=PIO.OUT_HIGH)
    def program():
        set(pins, 0).side(0)

    machine = PIO(0).state_machine(3, program, freq=5_000_000, set_base=Pin(6), sideset_base=Pin(10))
    assert [WORLD.gpio[n].level for n in (6, 7, 10)] == [1, 0, 1]
    assert [WORLD.gpio[n].function for n in (5, 6, 7, 10)] == ["in", "pio", "pio", "pio"]
    assert not machine.active()
    machine.active(1)
    advance(1000)
    assert [WORLD.gpio[n].level for n in (6, 7, 10)] == [0, 0, 0]
    assert repr(machine) == "StateMachine(3)"


def test_bootsel_is_not_pressed():
    assert bootsel_button() == 0
