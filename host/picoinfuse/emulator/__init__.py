"""A Pico in software, down to its registers: an unmodified MicroPython image on an emulated RP2040.

    firmware image (UF2) ─► device.Pico ─► nets (wires) ─► world (motor, line, sensor) ─► Trace
                                └─► usb (serial port) ─► client, mpremote

The emulator is rp2040py; `cures` is what it takes to make it exact and fast enough, for exactly one version of it.
"""
