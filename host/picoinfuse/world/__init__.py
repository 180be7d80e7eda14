"""The models of the pump's world: motor, fluid path, pressure sensor, battery.

Plain Python that runs on CPython and in the MicroPython VM alike: the stub loads it in the VM as `world`, the emulated
Pico, the benchmarks and the tests import it as `picoinfuse.world`.
"""
