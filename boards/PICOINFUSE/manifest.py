# What is frozen: the pump, and of the port's own modules only rp2. No require(), so that the build needs no
# micropython-lib.
#
# The files are listed and sorted here. A manifest that names a folder takes its files in the order in which
# the filesystem gives them, and the image would differ from machine to machine.
import os

# `make image` names a copy of the firmware that has the commit in pump/build.py.
firmware = os.path.abspath(os.environ.get("PICOINFUSE_FIRMWARE_DIR", "../../firmware"))
modules = [
    os.path.relpath(os.path.join(folder, name), firmware)
    for folder, _, names in os.walk(os.path.join(firmware, "pump"))
    for name in names
    if name.endswith(".py")
]

freeze("$(PORT_DIR)/modules", ("rp2.py",))
freeze("$(BOARD_DIR)/modules", ("_boot.py",))
freeze(firmware, ["boot.py", "main.py", *sorted(modules)])
