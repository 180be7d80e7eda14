"""Drives every model a while and prints all they say, floats bit by bit. Run by test_vm.py on both VMs."""

import struct
import sys

sys.path.append(sys.argv[1])
sys.path.append(sys.argv[2])
sys.path.append(sys.argv[3])

from _pioasm import asm_pio_encode
from pio_rig import STEP_PIN, Rig, edge_counter, step_program, word
from world.fluid import FluidPath
from world.motor import Motor
from world.sensor import PressureSensor

WORLD = {"compliance_nl_per_pa": 14.37, "resistance_pa_s_per_nl": 0.09, "stall_pa": 60000.0}
SENSOR = {"offset_mv": 500, "mv_per_pa": 1 / 60, "noise_mv": 1.5}


def bits(value):
    return "".join([f"{byte:02x}" for byte in struct.pack(">d", value)])


def main():
    rig = Rig(step_program)
    counter = rig.add(4, edge_counter, divider=2560)
    counter.exec_word(0, asm_pio_encode("mov(x, invert(null))"))
    fluid = FluidPath(WORLD)
    motor = Motor(rig.gpio[STEP_PIN], rig.gpio[3], rig.gpio[4], fluid, 0.3499, True)
    sensor = PressureSensor(SENSOR, 42)
    rig.sm.start(0)
    counter.start(0)
    state = 1
    t_ns = 0
    for turn in range(3000):
        t_ns += 10000000
        rig.pio.run_until(t_ns)
        if turn % 500 == 250:
            fluid.valve(t_ns, turn % 1000 == 250)
        motor.fault = ("slip 13", None)[turn // 300 % 2]
        while len(rig.sm.tx) < 4:
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            count = (0, 1, 50, 700)[state >> 29]
            rig.sm.put(t_ns, word(count, 40 + (state >> 12) % (400000 // (count + 1))))
        raw = sensor.read_u16(t_ns, fluid.pressure_at(t_ns))
        if turn % 50 == 0:
            counter.exec_word(t_ns, asm_pio_encode("mov(isr, x)"))
            counter.exec_word(t_ns, asm_pio_encode("push(noblock)"))
            fluid.advance(t_ns)
            print(turn, raw, counter.get(t_ns), rig.wire.rises, motor.steps)
            print(bits(fluid.pressure_pa), bits(fluid.delivered_nl), bits(fluid.patient_nl))
        rig.wire.changes.clear()
    print(step_program.words, rig.registers(t_ns))


main()
