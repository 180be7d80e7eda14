"""What captures a rig's edges: a second Pico with stock MicroPython, or a logic analyser of sigrok's."""
