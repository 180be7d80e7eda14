"""A rig file is refused by name and line; what it says is driven through the real Blinka, to the bytes on the bus."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from picoinfuse.common import paths
from picoinfuse.common.errors import RigError, RigNotFound
from picoinfuse.rig.file import Line, load_rig
from picoinfuse.rig.hardware import ADAPTERS
from picoinfuse.rig.stimuli import level

EXAMPLES = sorted((paths.boards() / "rigs").glob("*.toml"))
GOOD = """
capabilities = ["occlude", "power"]

[pump]
port = "/dev/ttyACM0"

[adapter]
kind = "ft232h"

[lines]
valve = "C0"
supply_off = "!C1"
sensor_switch = "C2"

[sensor_dac]
address = 0x60
reference_mv = 3300
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bench.toml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_in_order(file: Path) -> None:
    rig = load_rig(file)
    assert rig.name == file.stem
    assert "occlude" in rig.capabilities


def test_there_is_an_example_for_every_adapter() -> None:
    assert {load_rig(file).adapter for file in EXAMPLES} == set(ADAPTERS) - {"software"}


ANALYSER = """[instrument]
kind = "sigrok"
driver = "fx2lafw"
samplerate_hz = 4000000
[channels]
step = "D0"
dir = "D0"
"""
# (what is changed, into what, line, kind of mistake, what is named)
MISTAKES = [
    ('supply_off = "!C1"', 'supply_off = "!C0"', 12, "pin_used_twice", "supply_off and valve are both on C0"),
    ('valve = "C0"', 'valve = "C9"', 11, "no_such_pin", "valve: ft232h has no pin 'C9'"),
    ('valve = "C0"', 'valve = "D1"', 11, "no_such_pin", "valve: ft232h has no pin 'D1'"),  # the I2C bus
    ('["occlude", "power"]', '["occlude", "reset"]', 2, "not_wired", "reset is claimed, but [lines] has no run"),
    ('["occlude", "power"]', '["fly"]', 2, "out_of_range", 'capabilities is ["fly"], must be a list of occlude'),
    ('kind = "ft232h"', 'kind = "ft2232"', 8, "out_of_range", 'kind is "ft2232", must be ft232h'),
    ('port = "/dev/ttyACM0"', "", 4, "missing_key", "either port or location"),
    ('port = "/dev/ttyACM0"', 'port = "/dev/ttyACM0"\nlocation = "1-1"', 6, "contradiction", "either port or location"),
    ("address = 0x60", "address = 0x48", 16, "address", "0x60 to 0x67"),
    ("reference_mv = 3300", "reference_mv = 33", 17, "out_of_range", "2700 to 5500"),
    ('valve = "C0"', 'valve = "C0"\nvavle = "C3"', 12, "unknown_key", "unknown key vavle in [lines]"),
    ('sensor_switch = "C2"', "", 15, "not_wired", "sensor_dac is of no use: [lines] has no sensor_switch"),
    ('["occlude", "power"]', '["battery"]', 2, "not_wired", "battery is claimed, but there is no [battery_dac]"),
    ("[lines]", '[instrument]\nkind = "pico"\nport = "/dev/ttyACM0"\n[lines]', 12, "board_used_twice", "are both at"),
    ("[lines]", '[instrument]\nkind = "scope"\n[lines]', 11, "out_of_range", "must be pico or sigrok"),
    ("[lines]", '[instrument]\nkind = "pico"\n[lines]', 10, "missing_key", "either port or location"),
    ('["occlude", "power"]', '["capture"]', 2, "not_wired", "capture is claimed, but there is no [instrument]"),
    ("[lines]", ANALYSER + "[lines]", 16, "channel_used_twice", "dir and step are both on D0"),
    ("[lines]", ANALYSER + "[lines]", 14, "not_wired", "[channels] has no enable, piezo, lamp_red, lamp_yellow"),
    ("[lines]", ANALYSER.replace("4000000", "1000") + "[lines]", 13, "out_of_range", "from 1000000 to"),
    ("[lines]", ANALYSER.replace("fx2lafw", "--help") + "[lines]", 12, "driver", "a driver of sigrok"),
    ("[lines]", "[lines", 10, "syntax", "not TOML"),
]


@pytest.mark.parametrize(("old", "new", "line", "name", "told"), MISTAKES)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, name: str, told: str) -> None:
    file = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(RigError, match=re.escape(f"{file}:{line}: ")) as refused:
        load_rig(file)
    assert name in [mistake.name for mistake in refused.value.mistakes]
    assert told in str(refused.value)


def test_a_file_that_cannot_be_read_is_one_sentence_without_a_line(tmp_path: Path) -> None:
    for name, why in (("none.toml", "No such file or directory"), (".", "Is a directory")):
        file = tmp_path / name
        with pytest.raises(RigNotFound, match=f"^{re.escape(str(file))} cannot be read: {why}$"):
            load_rig(file)


def test_two_converters_at_one_address_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD + "[battery_dac]\naddress = 0x60\nreference_mv = 3300\n")
    with pytest.raises(RigError, match=":19: battery_dac and sensor_dac are both at 0x60"):
        load_rig(file)


@pytest.mark.parametrize("active_low", [False, True])
def test_an_active_low_line_is_low_when_it_is_active(active_low: bool) -> None:
    assert level(Line("C0", active_low), True) is not active_low
    assert level(Line("C0", active_low), False) is active_low


# ---- the real Blinka, which is one board a process ----

LINES = """
import digitalio
from picoinfuse.rig.file import load_rig
from picoinfuse.rig.stimuli import Stimuli

import sys
from pathlib import Path
rig = load_rig(Path(sys.argv[1]))
seen = []
set_value = digitalio.DigitalInOut.value.fset
record = lambda pin, value: (seen.append((pin._pin.id, value)), set_value(pin, value))[1]
digitalio.DigitalInOut.value = digitalio.DigitalInOut.value.setter(record)
with Stimuli(rig) as stimuli:
    stimuli.drive("valve", True)
    stimuli.drive("run", True)
    stimuli.drive("run", False)
print(*[int(value) for _, value in seen])
"""
BYTES = """
from picoinfuse.rig.file import Converter
from picoinfuse.rig.stimuli import VoltageOutput

class Bus:
    def __init__(self):
        self.written = []
    def try_lock(self):
        return True
    def unlock(self):
        pass
    def writeto(self, address, buffer, *, start=0, end=None):
        if len(buffer[start:end]):  # without bytes it is the look whether the chip is there
            self.written.append(f"{address:02x}:{bytes(buffer[start:end]).hex()}")
    def readfrom_into(self, address, buffer, *, start=0, end=None):
        pass

bus = Bus()
output = VoltageOutput(bus, Converter(0x61, 3300))
for millivolts in (0, 500, 1650, 3299.9, 5000, -10):
    output.put_out(millivolts)
print(*bus.written)
"""


def blinka(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BLINKA_OS_AGNOSTIC": "1"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)


def test_lines_are_driven_through_blinka_and_left_inactive(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '[pump]\nport = "/dev/ttyACM0"\n[adapter]\nkind = "software"\n[lines]\nvalve = "!Dx_OUTPUT"\nrun = "CS"\n',
    )
    done = blinka(LINES, str(file))
    # Blinka makes an output low before it gives it its value, for some µs or, over USB, a ms: no relay follows that.
    # Then inactive: valve (active low) 1, run 0. Valve on: 0. Run on and off: 1 0. The end: 1 and 0.
    assert done.stdout.split() == ["0", "1", "0", "0", "0", "1", "0", "1", "0"], done.stderr


def test_an_mcp4725_gets_the_bytes_of_its_data_sheet() -> None:
    """Fast mode: two bytes, power-down bits 00 and the 12 bits, high ones first. 4096 steps of 3300 mV."""
    done = blinka(BYTES)
    # 500 mV: 620.6, so 621 = 0x26d. 1650 mV: 2048 = 0x800. 3299.9 mV would be 4096, and ends at 4095 as 5000 does.
    assert done.stdout.split() == ["61:0000", "61:026d", "61:0800", "61:0fff", "61:0fff", "61:0000"], done.stderr


def test_an_adapter_that_is_not_plugged_in_is_named_with_its_line(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from picoinfuse.rig.file import load_rig\n"
        "from picoinfuse.rig.stimuli import AdapterMissing, Stimuli\n"
        "try:\n    Stimuli(load_rig(Path(sys.argv[1]))).__enter__()\n"
        "except AdapterMissing as error:\n    print(error)\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BLINKA_")}
    command = [sys.executable, "-c", code, str(written(tmp_path, GOOD))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert "bench.toml:8: the adapter ft232h cannot be used" in done.stdout, done.stderr
    assert "plug in the FT232H" in done.stdout


def test_a_bad_rig_file_ends_the_run_before_the_first_test(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace('"!C1"', '"!C0"'))
    command = [sys.executable, "-m", "pytest", "hil_tests/test_hello.py", "-q", "--bench", f"rig:{file}"]
    done = subprocess.run(command, cwd=paths.root(), capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"{file}:12: supply_off and valve are both on C0" in done.stderr
    assert "passed" not in done.stdout
