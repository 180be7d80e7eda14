"""Host side of picoinfuse: the client for the pump, board profiles, deployment and the command line.

`Pump` and `__version__` are loaded when they are first used, so that `import picoinfuse` costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picoinfuse.client.pump import Pump

    __version__: str

__all__ = ["Pump", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Pump":
        from picoinfuse.client.pump import Pump

        return Pump
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("picoinfuse")
    except PackageNotFoundError:  # a clone that was not installed
        return "0+unknown"
