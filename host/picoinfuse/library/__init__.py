"""Drug libraries: TOML on the host, lines with CRC on the pump, compared by name, version and CRC."""
