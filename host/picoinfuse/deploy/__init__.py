"""The firmware and a profile onto a board: staged, compiled, only what changed, there only while it is whole."""

from picoinfuse.deploy.run import Deployed, deploy

__all__ = ["Deployed", "deploy"]
