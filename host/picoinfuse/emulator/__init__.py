"""A Pico in software at the level of its registers: an unmodified MicroPython image on an emulated RP2040.

    firmware image (UF2) ─► device.Pico ─► nets (wires) ─► world (motor, line, sensor) ─► Trace
                                └─► usb (serial port) ─► client, mpremote

The emulator is rp2040py, in one pinned version; `rp2040py_patches` makes its timing exact and its speed sufficient.
"""
