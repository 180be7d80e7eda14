"""A wire that something outside holds: stronger than the chip, and back with the chip when it lets go."""

from _gpio import Gpio


class Listener:
    def __init__(self):
        self.levels = []
        self.batches = 0

    def on_level(self, t_ns, level):
        self.levels.append((t_ns, level))

    def on_pulses(self, t_ns, period_ns, high_ns, count):
        self.batches += count


def wire():
    gpio = Gpio(2)
    gpio.listeners.append(listener := Listener())
    gpio.use(0, "out")
    return gpio, listener


def test_what_the_chip_drives_does_not_show_while_the_wire_is_held():
    gpio, listener = wire()
    gpio.drive_outside(10, 0)
    gpio.set_level(20, 1)
    gpio.pulses(30, 100, 50, 7)
    assert gpio.level == 0
    assert (listener.levels, listener.batches) == ([], 0)


def test_the_chips_level_is_back_when_the_wire_is_let_go():
    gpio, listener = wire()
    gpio.drive_outside(10, 0)
    gpio.set_level(20, 1)
    gpio.drive_outside(30, None)
    assert listener.levels == [(30, 1)]


def test_pulses_from_outside_are_edges():
    gpio, listener = wire()
    gpio.drive_outside(10, 1)
    gpio.drive_outside(20, 0)
    gpio.drive_outside(30, None)
    assert listener.levels == [(10, 1), (20, 0)]


def test_an_input_that_is_let_go_falls_back_to_the_boards_resistor():
    gpio, listener = wire()
    gpio.resistor = 1
    gpio.use(5, "in")
    gpio.drive_outside(10, 0)
    gpio.drive_outside(20, None)
    assert listener.levels == [(5, 1), (10, 0), (20, 1)]
