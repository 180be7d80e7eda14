"""Commands about a board: find it, deploy to it, reset it."""

import dataclasses
from typing import Annotated

import typer

from picoinfuse.cli.common import console, open_pump, port_name, print_json, tell
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.client.port import usb_ports
from picoinfuse.deploy import deploy as deploy_to
from picoinfuse.profile import load_profile


def ports(as_json: JsonOption = False) -> None:
    """List the Picos on USB."""
    found = usb_ports()
    if as_json:
        print_json([dataclasses.asdict(port) for port in found])
        return
    if not found:
        console().print("no Pico on USB; plug one in, or run one in software: picoinfuse stub")
    for port in found:
        console().print(f"{port.device}  serial number {port.serial_number}  USB {port.location}  {port.description}")


def deploy(
    profile: Annotated[str, typer.Option(help="Board profile: a name in boards/, or a TOML file.")] = "syringe-50ml",
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy the firmware and a profile to the board, and wait for its self-test."""
    checked = load_profile(profile)  # first: an invalid profile must not touch the board
    name = port_name(port)
    if as_json:
        print_json(deploy_to(name, checked))
        return
    with console().status("deploying") as shown:
        done = deploy_to(name, checked, progress=shown.update)
    hello = done.hello
    if done.frozen:
        console().print("the firmware is frozen into the flashed image; only the profile was deployed")
    console().print(
        f"picoinfuse {hello.version} ({hello.commit}) with profile {hello.profile} runs on {name}: "
        f"{done.files_copied} files copied, {done.files_skipped} already there, {done.files_removed} removed, "
        f"{done.seconds:.1f} s",
        soft_wrap=True,
    )
    if done.failed_tests:
        names = ", ".join(name.replace("_", " ") for name in done.failed_tests)
        console().print(f"[bold red]its self-test failed[/]: {names}; `picoinfuse status` shows the alarms")


def reset(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Reset the pump and wait until it answers again."""
    with open_pump(port) as pump:
        hello = pump.reset()
    tell(as_json, hello, f"picoinfuse {hello.version} answers again, boot {hello.boot}")


def service(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Reset the pump into the MicroPython prompt, for mpremote."""
    with open_pump(port) as pump:
        state = pump.service()
    tell(
        as_json,
        {"state": state},
        "the board is at the MicroPython prompt; `mpremote reset` starts the pump again",
    )
