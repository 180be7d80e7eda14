"""The production image: MicroPython with this firmware frozen in, built from a source tree."""
