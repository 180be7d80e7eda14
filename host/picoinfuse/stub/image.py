"""Flash images with the firmware, made once by the real deployment and kept under build/."""

from __future__ import annotations

import tempfile
from pathlib import Path

from picoinfuse.common import paths
from picoinfuse.deploy import deploy
from picoinfuse.deploy.staging import fingerprint
from picoinfuse.profile import Profile
from picoinfuse.stub import flash_image
from picoinfuse.stub.board import StubBoard
from picoinfuse.stub.engine import Engine
from picoinfuse.stub.pty_port import PtyPort


def deployed_image(profile: Profile, engine: Engine) -> Path:
    """Path of a flash image with this firmware and `profile`, for `engine`; deployed over mpremote if it does not exist
    yet. Copy it, do not change it.
    """
    image = paths.build() / "stub" / f"{fingerprint(profile)}{'' if engine.has_flash else '-folder'}.img"
    if not image.exists():
        image.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=image.parent) as folder:
            fresh = Path(folder) / "flash.img"
            _deploy_to(fresh, profile, engine)
            flash_image.forget_journal(fresh)
            flash_image.move(fresh, image)
    return image


def _deploy_to(image: Path, profile: Profile, engine: Engine) -> None:
    flash_image.erase(image)
    outlet: list[PtyPort] = []
    board = StubBoard(
        profile.world(),
        image,
        engine=engine,
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
