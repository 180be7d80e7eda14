# A Raspberry Pi Pico that is an infusion pump: MicroPython with the firmware frozen in. Built by `make image MPY_DIR=…`, or by hand in
# MicroPython's ports/rp2 with `make BOARD_DIR=…/boards/PICOINFUSE`; then the commit is "unknown" and there is no info block.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
