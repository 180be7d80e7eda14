"""Options that commands share. Nothing here imports the client: `picoinfuse --help` needs these too."""

from typing import Annotated

import typer


def _port_of_root(ctx: typer.Context, value: str | None) -> str | None:
    """`picoinfuse -p PORT status` is the same as `picoinfuse status -p PORT`."""
    return value if value is not None else ctx.find_root().params.get("port")


def _print_version(wanted: bool) -> None:
    if wanted:
        import picoinfuse

        print(f"picoinfuse {picoinfuse.__version__}")
        raise typer.Exit


PortOption = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        callback=_port_of_root,
        help="Serial port: a device, socket://HOST:PORT or rfc2217://HOST:PORT. Default: the one Pico on USB.",
        show_default=False,
    ),
]
RootPortOption = Annotated[
    str | None,
    typer.Option(
        "--port", "-p", envvar="PICOINFUSE_PORT", help="Serial port of the pump, for any command.", show_default=False
    ),
]
VersionOption = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
