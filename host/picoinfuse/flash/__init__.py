"""An image onto a Pico: UF2 files, the BOOTSEL volume, and the whole way from a port to a checked board."""
