"""The client of the serial protocol: frames, link, session, pump."""
