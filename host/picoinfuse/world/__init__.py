"""Models of the physical world around the pump: motor, fluid path, pressure sensor, battery.

The models run on CPython, PyPy and in the MicroPython VM: the stub loads them in the board's process as `world`, and
everything else imports them as `picoinfuse.world`. So they use only what MicroPython has, and annotations that it can
parse. Times are ns since power-on as integers, volumes nL, pressures Pa above the atmosphere.

A model is driven by events in time order and holds no clock of its own. `snapshot()` returns its state as JSON values,
`restore(state)` sets it: the stub carries it so over a reset of the board. The parameters come from a profile
(`Profile.world()`); the files in `boards/` name the source of each value.
"""
