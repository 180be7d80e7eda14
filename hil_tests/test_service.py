"""The way to the REPL and back: `service`, stock mpremote, deployment, the strap."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from hil_tests.expect import steps_are_even
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.common.errors import DeployError, PumpError
from picoinfuse.deploy import deploy
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import load_profile

pytestmark = [pytest.mark.requirement("LINK-5", "STOP-3")]

RATE_UL_H = 100_000
SAFE = {"enable": 1, "step": 0, "piezo": 0, "lamp_red": 0, "lamp_yellow": 0}


def mpremote(bench: Bench, measure: Measure, *arguments: str) -> str:
    """Runs stock mpremote as a separate program at the bench's port; returns its output."""
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", bench.port, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )
    measure("exit status", done.returncode, equal=0)
    return done.stdout.replace("\r\n", "\n")


def assert_safe_and_still(bench: Bench, measure: Measure, since_s: float) -> None:
    """Every output has been at its safe level since `since_s`, without an edge."""
    start_ns, end_ns = round(since_s * 1e9), round(bench.now() * 1e9)
    measure("levels of the wires", {wire: bench.trace.level_at(wire, start_ns) for wire in SAFE}, equal=SAFE)
    measure(
        "edges of the wires",
        {wire: len(bench.trace.transitions(wire, start_ns, end_ns)[0]) for wire in SAFE},
        equal=dict.fromkeys(SAFE, 0),
    )


def assert_alarmed_and_still(bench: Bench, measure: Measure) -> None:
    """The fatal alarm for the last half second: the red lamp, a steady tone of 784 Hz, no step."""
    end_ns = round(bench.now() * 1e9)
    start_ns = end_ns - 500_000_000
    measure("level of the red lamp", bench.trace.level_at("lamp_red", start_ns), equal=1)
    measure("level of enable", bench.trace.level_at("enable", start_ns), equal=1)
    measure("edges of step", len(bench.trace.transitions("step", start_ns, end_ns)[0]), equal=0)
    # 392 periods, two edges each; the PWM's divider has sixteenths, which makes less than 1 %
    measure("edges of the piezo", len(bench.trace.transitions("piezo", start_ns, end_ns)[0]), near=784, by=8)


# ---- when it is allowed ----


@pytest.mark.needs("capture")
def test_service_is_refused_while_infusing(bench: Bench, measure: Measure):
    bench.pump.start(RATE_UL_H)
    bench.sleep(1.0)
    since_s = bench.now()
    with pytest.raises(PumpError) as refused:
        bench.pump.service()
    measure("refused with", refused.value.code, equal="wrong_state")
    measure("data of the refusal", refused.value.data, equal={"state": "infusing"})
    bench.sleep(1.0)
    steps_are_even(bench, measure, since_s)  # it goes on as it was


def test_service_is_refused_while_paused(bench: Bench, measure: Measure):
    bench.pump.start(RATE_UL_H)
    bench.sleep(0.5)
    bench.pump.pause()
    bench.sleep(1.0)
    with pytest.raises(PumpError) as refused:
        bench.pump.service()
    measure("refused with", refused.value.code, equal="wrong_state")
    measure("data of the refusal", refused.value.data, equal={"state": "paused"})
    measure("state", bench.pump.resume(), equal="infusing")


@pytest.mark.needs("capture")
def test_service_hands_over_the_repl_with_outputs_safe(bench: Bench, measure: Measure):
    enter_repl(bench)
    since_s = bench.now()
    measure("the REPL answers", run_in_repl(bench, "print(6 * 7)"), equal="42")
    bench.sleep(10.0)  # longer than any watchdog of the chip (8.4 s)
    assert_safe_and_still(bench, measure, since_s)


@pytest.mark.needs("capture", "sensor")
def test_service_ends_an_alarm_s_sound_and_light(bench: Bench, measure: Measure):
    bench.sensor_fault("open")
    bench.sleep(1.0)  # during a burst
    measure("state", bench.pump.status().state, equal="alarm_stopped")
    enter_repl(bench)
    since_s = bench.now()
    bench.sleep(10.0)
    assert_safe_and_still(bench, measure, since_s)


@pytest.mark.needs("reset")
def test_a_reset_ends_service_and_starts_the_pump(bench: Bench, measure: Measure):
    boot = bench.pump.boot
    enter_repl(bench)
    bench.reset()
    measure("state", bench.pump.status().state, equal="idle")
    assert bench.pump.boot != boot


@pytest.mark.needs("pin", "reset", "capture")
def test_strap_held_low_at_reset_stays_in_the_repl(bench: Bench, measure: Measure):
    bench.drive_pin("strap", 0)
    bench.pump.call("reset")
    bench.sleep(2.0)
    assert bench.pump.link.wait_for_prompt(1.0)
    since_s = bench.now()
    measure("the REPL answers", run_in_repl(bench, "print(6 * 7)"), equal="42")
    assert_safe_and_still(bench, measure, since_s)
    bench.drive_pin("strap", None)
    bench.reset()
    measure("state", bench.pump.status().state, equal="idle")


@pytest.mark.needs("pin")
def test_strap_does_nothing_while_the_pump_runs(bench: Bench, measure: Measure):
    bench.pump.start(RATE_UL_H)
    bench.drive_pin("strap", 0)
    bench.sleep(2.0)
    measure("state", bench.pump.status().state, equal="infusing")


# ---- stock mpremote ----


@pytest.mark.needs("deploy")
def test_mpremote_executes_copies_lists_and_hashes(bench: Bench, measure: Measure, tmp_path: Path):
    data = bytes(range(256)) * 20  # 5 kB, every byte value
    (tmp_path / "all.bin").write_bytes(data)
    enter_repl(bench)
    copy = ["fs", "cp", str(tmp_path / "all.bin"), ":/all.bin"]
    said = mpremote(
        bench, measure, "exec", "print(6 * 7)", "+", *copy, "+", "fs", "sha256sum", ":/all.bin", "+", "fs", "ls"
    )
    lines = said.splitlines()
    measure("mpremote's first answer", lines[0], equal="42")
    measure("the hash is listed", hashlib.sha256(data).hexdigest() in lines, equal=True)
    measure("the file is listed", [line.split() for line in lines if "all.bin" in line][-1], equal=["5120", "all.bin"])
    # The hash matches, so the file is not copied again.
    measure("the same file is copied again", "Up to date" not in mpremote(bench, measure, *copy), equal=False)


@pytest.mark.needs("deploy", "reset")
def test_mpremote_runs_a_script_soft_resets_and_resets_into_the_pump(bench: Bench, measure: Measure, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text("import machine\nprint('runs at', machine.freq())\nkept = 1\n", encoding="utf-8")
    enter_repl(bench)
    probe = "print('kept' in globals())"
    steps = ["run", str(script), "+", "exec", probe, "+", "soft-reset", "+", "exec", probe, "+", "reset"]
    measure(
        "what mpremote printed",
        mpremote(bench, measure, *steps).splitlines(),
        equal=["runs at 125000000", "True", "False"],
    )
    bench.pump.reconnect(after_reset=True)
    measure("profile reported", bench.pump.hello().profile, equal=bench.profile.name)


@pytest.mark.needs("deploy", "capture")
def test_outputs_stay_safe_through_a_soft_reset(bench: Bench, measure: Measure):
    enter_repl(bench)
    since_s = bench.now()
    mpremote(bench, measure, "exec", "pass", "+", "soft-reset")
    bench.sleep(0.2)
    assert_safe_and_still(bench, measure, since_s)


# ---- deployment ----


@pytest.mark.needs("deploy")
def test_deploying_the_same_firmware_copies_nothing_and_the_pump_is_back(bench: Bench, measure: Measure):
    boot = bench.pump.boot
    done = deploy(bench.port, bench.profile)
    measure("files copied", done.files_copied, equal=0)
    measure("files removed", done.files_removed, equal=0)
    measure("files skipped", done.files_skipped, above=30)
    assert done.hello.boot != boot


@pytest.mark.needs("deploy")
def test_deploying_another_profile_copies_one_file(bench: Bench, measure: Measure):
    other = load_profile("syringe-10ml")
    done = deploy(bench.port, other)
    measure("files copied", done.files_copied, equal=1)
    measure("files removed", done.files_removed, equal=0)
    measure("profile reported", done.hello.profile, equal="syringe-10ml")


@pytest.mark.needs("deploy")
def test_deploying_removes_files_that_are_not_part_of_the_pump(bench: Bench, measure: Measure):
    enter_repl(bench)
    run_in_repl(bench, "f = open('/pump/stray.py', 'w'); f.close()")
    done = deploy(bench.port, bench.profile)
    measure("files copied", done.files_copied, equal=0)
    measure("files removed", done.files_removed, equal=1)


@pytest.mark.needs("deploy", "capture")
def test_deploying_to_an_infusing_pump_is_refused_and_changes_nothing(bench: Bench, measure: Measure):
    bench.pump.start(RATE_UL_H)
    bench.sleep(1.0)
    since_s, boot = bench.now(), bench.pump.boot
    with pytest.raises(DeployError, match="infusing; stop it first"):
        deploy(bench.port, load_profile("syringe-10ml"))
    hello = bench.pump.hello()
    measure("boot number", hello.boot, equal=boot)
    measure("profile reported", hello.profile, equal=bench.profile.name)
    measure("state", bench.pump.status().state, equal="infusing")
    steps_are_even(bench, measure, since_s)


@pytest.mark.needs("deploy")
def test_empty_board_becomes_a_pump(bench: Bench, measure: Measure):
    enter_repl(bench)
    code = "import os; [os.remove(n) for n in ('boot.py', 'main.py', 'profile.json')]; print(len(os.listdir()))"
    measure("files on the board", int(run_in_repl(bench, code)), at_least=1)
    done = deploy(bench.port, bench.profile)
    measure("files copied", done.files_copied, equal=3)
    measure("profile reported", done.hello.profile, equal=bench.profile.name)


@pytest.mark.needs("deploy", "capture")
def test_an_interrupted_deployment_alarms_at_the_next_start_and_a_second_one_repairs_it(bench: Bench, measure: Measure):
    """The application folder exists only while it is complete. Here the power failed while files were moved in."""
    enter_repl(bench)
    run_in_repl(bench, "import os; os.rename('/pump', '/pump.half'); os.remove('/pump.half/app.mpy')")
    leave_repl(bench)
    bench.sleep(2.0)
    assert bench.pump.link.wait_for_prompt(1.0)
    assert_alarmed_and_still(bench, measure)
    done = deploy(bench.port, bench.profile)
    measure("files copied", done.files_copied, equal=1)
    measure("files removed", done.files_removed, equal=0)
    measure("profile reported", bench.pump.reconnect(after_reset=True).profile, equal=bench.profile.name)
