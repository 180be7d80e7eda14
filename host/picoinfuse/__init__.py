"""Host side of picoinfuse: the client for the pump, profiles, deployment and the command line."""

from importlib.metadata import PackageNotFoundError, version

from picoinfuse.client.pump import Pump

try:
    __version__ = version("picoinfuse")
except PackageNotFoundError:  # a clone that was not installed
    __version__ = "0+unknown"

__all__ = ["Pump", "__version__"]
