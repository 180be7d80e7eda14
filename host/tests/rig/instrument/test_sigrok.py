"""A logic analyser through a `sigrok-cli` that is not one: what it is asked for, what it writes, how it fails."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from picoinfuse.rig.instrument.frames import InstrumentError
from picoinfuse.rig.instrument.recorder import EdgesLost
from picoinfuse.rig.instrument.sigrok import Analyser, SigrokInstrument, SigrokMissing
from picoinfuse.trace.trace import WIRES, Trace

CHANNELS = {wire: f"D{number}" for number, wire in enumerate(WIRES)}
ANALYSER = Analyser("fx2lafw", 1_000_000, CHANNELS)

# As sigrok-cli 0.7.2 writes: the head with the first samples, then lines of changes.
HEAD = r"""$date Mon Nov 23 03:43:35 2026 $end
$version libsigrok 0.5.2 $end
$comment
  Acquisition with 6/8 channels at 1 MHz
$end
$timescale 1 us $end
$scope module libsigrok $end
$var wire 1 ! step $end
$var wire 1 " dir $end
$var wire 1 # enable $end
$var wire 1 $ piezo $end
$var wire 1 % lamp_red $end
$var wire 1 & lamp_yellow $end
$upscope $end
$enddefinitions $end
"""
SAMPLING = f"""
import sys, time
sys.stdout.write({HEAD!r})
sys.stdout.write('#0 0! 0" 1# 0$ 0% 0&\\n')
sys.stdout.flush()
for t in range(1000, 1010, 5):
    sys.stdout.write(f'#{{t}} 1!\\n#{{t + 2}} 0!\\n')
sys.stdout.write('#1500 0# 1$\\n')
sys.stdout.flush()
time.sleep(60)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a `sigrok-cli`; what it was called with is in `called`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, code: str) -> None:
    file = folder / "sigrok-cli"
    note = f"import sys\nopen({str(folder / 'called')!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
    file.write_text(f"#!{sys.executable}\n{note}{code}", "utf-8")
    file.chmod(0o755)


def test_edges_come_while_it_samples(fake: Path) -> None:
    program(fake, SAMPLING)
    capture, trace = SigrokInstrument(ANALYSER), Trace()
    capture.start()
    capture.begin(trace)
    capture.catch_up()
    assert trace.edges("step").tolist() == [1_000_000, 1_005_000]
    assert trace.edges("step", False).tolist() == [1_002_000, 1_007_000]
    assert trace.edges("enable", False).tolist() == [1_500_000]
    assert trace.count("piezo") == 1
    assert trace.end_ns == pytest.approx(capture.now() * 1e9, abs=3e9)  # nothing more has come until now
    capture.close()


def test_the_command_says_device_rate_and_a_channel_for_each_wire(fake: Path) -> None:
    program(fake, SAMPLING)
    capture = SigrokInstrument(ANALYSER)
    capture.begin(Trace())
    capture.close()
    channels = "D0=step,D1=dir,D2=enable,D3=piezo,D4=lamp_red,D5=lamp_yellow"
    called = (fake / "called").read_text().splitlines()
    assert called[:6] == ["-d", "fx2lafw", "--config", "samplerate=1000000", "--channels", channels]
    assert called[6] == "--time"
    assert int(called[7]) >= 3_600_000
    assert called[8:] == ["-O", "vcd"]


def test_a_next_test_has_a_capture_of_its_own(fake: Path) -> None:
    program(fake, SAMPLING)
    capture = SigrokInstrument(ANALYSER)
    first, second = Trace(), Trace()
    capture.begin(first)
    capture.catch_up()
    capture.begin(second)
    capture.catch_up()
    capture.close()
    assert first.edges("step").tolist() == second.edges("step").tolist()


def test_without_sigrok_it_says_what_to_install(fake: Path) -> None:
    with pytest.raises(SigrokMissing, match="not installed, or not on the path; install sigrok-cli"):
        SigrokInstrument(ANALYSER).start()


# What sigrok-cli 0.7.2 says, with exit status 1, of a device and of a channel that are not there.
@pytest.mark.parametrize("said", ["No devices found.", "unknown channel 'D99'.", "Driver nosuch not found."])
def test_its_error_message_is_reported(fake: Path, said: str) -> None:
    program(fake, f"import sys\nsys.stderr.write({said!r} + '\\n')\nsys.exit(1)\n")
    with pytest.raises(SigrokMissing, match=f"sigrok-cli: {said}.*; it was sigrok-cli -d fx2lafw"):
        SigrokInstrument(ANALYSER).begin(Trace())


def test_an_analyser_that_is_unplugged_in_the_middle_fails_the_test(fake: Path) -> None:
    program(fake, SAMPLING.replace("time.sleep(60)", "time.sleep(0.2); sys.exit('lost the device')"))
    capture = SigrokInstrument(ANALYSER)
    capture.begin(Trace())
    deadline_s = time.monotonic() + 10
    with pytest.raises(InstrumentError, match="lost the device"):  # noqa: PT012
        while time.monotonic() < deadline_s:
            capture.catch_up()
    capture.close()


def test_edges_that_come_faster_than_they_are_read_are_not_taken_for_all(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picoinfuse.rig.instrument.sigrok.UNREAD_S", 0.5)
    busy = "t = 2000\nwhile True:\n    sys.stdout.write(f'#{t} 1!\\n#{t + 1} 0!\\n')\n    t += 2\n"
    program(fake, SAMPLING.replace("time.sleep(60)\n", busy))
    capture = SigrokInstrument(ANALYSER)
    capture.begin(Trace())
    with pytest.raises(EdgesLost, match="faster than they can be read"):
        capture.catch_up()
    capture.close()


def test_what_is_no_vcd_is_an_error_by_name(fake: Path) -> None:
    program(fake, "import sys\nsys.stdout.write('hello $var wire\\n')\n")
    with pytest.raises(InstrumentError, match="sigrok-cli"):
        SigrokInstrument(ANALYSER).begin(Trace())
