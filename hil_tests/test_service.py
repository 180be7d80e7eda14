"""The way to the REPL and back: `service`, stock mpremote, deployment, the strap."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.deploy import deploy
from picoinfuse.errors import DeployError, PumpError
from picoinfuse.profile import load_profile

RATE_UL_H = 100_000
SAFE = {"enable": 1, "step": 0, "piezo": 0, "lamp_red": 0, "lamp_yellow": 0}


def mpremote(bench: Bench, *arguments: str) -> str:
    """What stock mpremote prints, as a program of its own at the bench's port."""
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", bench.port, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r\n", "\n")


def assert_safe_and_still(bench: Bench, since_s: float) -> None:
    """Every output at its safe level since then, without an edge."""
    start_ns, end_ns = round(since_s * 1e9), round(bench.now() * 1e9)
    assert {wire: bench.trace.level_at(wire, start_ns) for wire in SAFE} == SAFE
    assert {wire: len(bench.trace.transitions(wire, start_ns, end_ns)[0]) for wire in SAFE} == dict.fromkeys(SAFE, 0)


def assert_alarmed_and_still(bench: Bench) -> None:
    """The alarm of a pump that cannot run, for the last half second: the red lamp, a steady tone of 784 Hz, no step."""
    end_ns = round(bench.now() * 1e9)
    start_ns = end_ns - 500_000_000
    assert bench.trace.level_at("lamp_red", start_ns) == 1
    assert bench.trace.level_at("enable", start_ns) == 1
    assert len(bench.trace.transitions("step", start_ns, end_ns)[0]) == 0
    # 392 periods, two edges each; the PWM's divider has sixteenths, which makes less than 1 %
    assert len(bench.trace.transitions("piezo", start_ns, end_ns)[0]) == pytest.approx(784, rel=0.01)


# ---- who may have it ----


@pytest.mark.needs("capture")
def test_service_is_refused_while_infusing(bench: Bench):
    bench.pump.start(RATE_UL_H)
    bench.sleep(1.0)
    since_s = bench.now()
    with pytest.raises(PumpError) as refused:
        bench.pump.service()
    assert (refused.value.code, refused.value.data) == ("wrong_state", {"state": "infusing"})
    bench.sleep(1.0)
    intervals_ns = bench.trace.intervals("step", round(since_s * 1e9))
    assert int(intervals_ns.max() - intervals_ns.min()) <= 200  # a tick of the grid: it goes on as it was


def test_service_is_refused_while_paused(bench: Bench):
    bench.pump.start(RATE_UL_H)
    bench.sleep(0.5)
    bench.pump.pause()
    bench.sleep(1.0)
    with pytest.raises(PumpError) as refused:
        bench.pump.service()
    assert (refused.value.code, refused.value.data) == ("wrong_state", {"state": "paused"})
    assert bench.pump.resume() == "infusing"


@pytest.mark.needs("capture")
def test_service_hands_over_the_repl_with_outputs_safe(bench: Bench):
    enter_repl(bench)
    since_s = bench.now()
    assert run_in_repl(bench, "print(6 * 7)") == "42"
    bench.sleep(10.0)  # longer than any watchdog of the chip (8.4 s)
    assert_safe_and_still(bench, since_s)


@pytest.mark.needs("capture", "sensor")
def test_service_ends_an_alarm_s_sound_and_light(bench: Bench):
    bench.sensor_fault("open")
    bench.sleep(1.0)  # in the midst of a burst
    assert bench.pump.status().state == "alarm_stopped"
    enter_repl(bench)
    since_s = bench.now()
    bench.sleep(10.0)
    assert_safe_and_still(bench, since_s)


@pytest.mark.needs("reset")
def test_reset_makes_the_board_in_service_a_pump_again(bench: Bench):
    boot = bench.pump.boot
    enter_repl(bench)
    bench.reset()
    assert bench.pump.status().state == "idle"
    assert bench.pump.boot != boot


@pytest.mark.needs("pin", "reset", "capture")
def test_strap_held_low_at_reset_stays_in_the_repl(bench: Bench):
    bench.drive_pin("strap", 0)
    bench.pump.command("reset")
    bench.sleep(2.0)
    assert bench.pump.link.wait_for_prompt(1.0)
    since_s = bench.now()
    assert run_in_repl(bench, "print(6 * 7)") == "42"
    assert_safe_and_still(bench, since_s)
    bench.drive_pin("strap", None)
    bench.reset()
    assert bench.pump.status().state == "idle"


@pytest.mark.needs("pin")
def test_strap_does_nothing_while_the_pump_runs(bench: Bench):
    bench.pump.start(RATE_UL_H)
    bench.drive_pin("strap", 0)
    bench.sleep(2.0)
    assert bench.pump.status().state == "infusing"


# ---- stock mpremote ----


@pytest.mark.needs("deploy")
def test_mpremote_executes_copies_lists_and_hashes(bench: Bench, tmp_path: Path):
    data = bytes(range(256)) * 20  # 5 kB, every byte there is
    (tmp_path / "all.bin").write_bytes(data)
    enter_repl(bench)
    copy = ["fs", "cp", str(tmp_path / "all.bin"), ":/all.bin"]
    said = mpremote(bench, "exec", "print(6 * 7)", "+", *copy, "+", "fs", "sha256sum", ":/all.bin", "+", "fs", "ls")
    lines = said.splitlines()
    assert lines[0] == "42"
    assert hashlib.sha256(data).hexdigest() in lines
    assert [line.split() for line in lines if "all.bin" in line][-1] == ["5120", "all.bin"]
    assert "Up to date" in mpremote(bench, *copy)  # the hash is the same, so it is not copied again


@pytest.mark.needs("deploy", "reset")
def test_mpremote_runs_a_script_soft_resets_and_resets_into_the_pump(bench: Bench, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text("import machine\nprint('runs at', machine.freq())\nkept = 1\n", encoding="utf-8")
    enter_repl(bench)
    probe = "print('kept' in globals())"
    steps = ["run", str(script), "+", "exec", probe, "+", "soft-reset", "+", "exec", probe, "+", "reset"]
    assert mpremote(bench, *steps).splitlines() == ["runs at 125000000", "True", "False"]
    bench.pump.reconnect(after_reset=True)
    assert bench.pump.hello().profile == bench.profile.name


@pytest.mark.needs("deploy", "capture")
def test_outputs_stay_safe_through_a_soft_reset(bench: Bench):
    enter_repl(bench)
    since_s = bench.now()
    mpremote(bench, "exec", "pass", "+", "soft-reset")
    bench.sleep(0.2)
    assert_safe_and_still(bench, since_s)


# ---- deployment ----


@pytest.mark.needs("deploy")
def test_deploying_the_same_firmware_copies_nothing_and_the_pump_is_back(bench: Bench):
    boot = bench.pump.boot
    done = deploy(bench.port, bench.profile)
    assert (done.files_copied, done.files_removed) == (0, 0)
    assert done.files_skipped > 30
    assert done.hello.boot != boot


@pytest.mark.needs("deploy")
def test_deploying_another_profile_copies_one_file(bench: Bench):
    other = load_profile("syringe-10ml")
    done = deploy(bench.port, other)
    assert (done.files_copied, done.files_removed) == (1, 0)
    assert done.hello.profile == "syringe-10ml"


@pytest.mark.needs("deploy")
def test_deploying_removes_what_is_no_part_of_the_pump(bench: Bench):
    enter_repl(bench)
    run_in_repl(bench, "f = open('/pump/stray.py', 'w'); f.close()")
    done = deploy(bench.port, bench.profile)
    assert (done.files_copied, done.files_removed) == (0, 1)


@pytest.mark.needs("deploy", "capture")
def test_deploying_to_an_infusing_pump_is_refused_and_changes_nothing(bench: Bench):
    bench.pump.start(RATE_UL_H)
    bench.sleep(1.0)
    since_s, boot = bench.now(), bench.pump.boot
    with pytest.raises(DeployError, match="infusing; stop it first"):
        deploy(bench.port, load_profile("syringe-10ml"))
    hello = bench.pump.hello()
    assert (hello.boot, hello.profile) == (boot, bench.profile.name)
    assert bench.pump.status().state == "infusing"
    intervals_ns = bench.trace.intervals("step", round(since_s * 1e9))
    assert int(intervals_ns.max() - intervals_ns.min()) <= 200


@pytest.mark.needs("deploy")
def test_empty_board_becomes_a_pump(bench: Bench):
    enter_repl(bench)
    code = "import os; [os.remove(n) for n in ('boot.py', 'main.py', 'profile.json')]; print(len(os.listdir()))"
    assert int(run_in_repl(bench, code)) >= 1
    done = deploy(bench.port, bench.profile)
    assert done.files_copied == 3
    assert done.hello.profile == bench.profile.name


@pytest.mark.needs("deploy", "capture")
def test_half_a_deployment_alarms_at_the_next_start_and_a_second_one_mends_it(bench: Bench):
    """The application is there only while it is whole: this is a board whose power went while files were moved in."""
    enter_repl(bench)
    run_in_repl(bench, "import os; os.rename('/pump', '/pump.half'); os.remove('/pump.half/app.mpy')")
    leave_repl(bench)
    bench.sleep(2.0)
    assert bench.pump.link.wait_for_prompt(1.0)
    assert_alarmed_and_still(bench)
    done = deploy(bench.port, bench.profile)
    assert (done.files_copied, done.files_removed) == (1, 0)
    assert bench.pump.reconnect(after_reset=True).profile == bench.profile.name
