"""Flash images with the firmware on them, made once by the real deployment and kept under build/."""

from __future__ import annotations

import tempfile
from pathlib import Path

from picoinfuse.common import paths
from picoinfuse.deploy import deploy
from picoinfuse.deploy.staging import fingerprint
from picoinfuse.profile import Profile
from picoinfuse.stub import flash_image
from picoinfuse.stub.board import StubBoard
from picoinfuse.stub.pty_port import PtyPort


def deployed_image(profile: Profile, vm: str | None) -> Path:
    """Path of a flash image with this firmware and `profile`; deployed over mpremote when it is not there yet.
    Copy it, do not change it. `vm`: the MicroPython VM, or None for CPython, whose images are of another kind.
    """
    image = paths.build() / "stub" / f"{fingerprint(profile)}{'' if vm else '-cpython'}.img"
    if not image.exists():
        image.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=image.parent) as folder:
            fresh = Path(folder) / "flash.img"
            _deploy_to(fresh, profile, vm)
            flash_image.forget_journal(fresh)
            flash_image.move(fresh, image)
    return image


def _deploy_to(image: Path, profile: Profile, vm: str | None) -> None:
    flash_image.erase(image)
    outlet: list[PtyPort] = []
    board = StubBoard(
        profile.world(),
        image,
        vm=vm,
        pace="real",
        on_serial=lambda data: outlet[0].send(data) if outlet else None,
    )
    with board:
        port = PtyPort(board.write_serial, lambda reading: None)
        outlet.append(port)
        try:
            deploy(port.path, profile)
        finally:
            port.close()
