"""Flash files with the firmware on them, for the emulated Pico: made once by the real deployment, kept under build/."""

from __future__ import annotations

import tempfile
from pathlib import Path

from picoinfuse import paths
from picoinfuse.deploy import deploy
from picoinfuse.emulator.board import EmulatedBoard
from picoinfuse.emulator.device import FS_BYTES
from picoinfuse.flash import uf2
from picoinfuse.profile import Profile
from picoinfuse.staging import fingerprint
from picoinfuse.stub.pty_port import PtyPort


def erased() -> bytes:
    """The filesystem's part of a flash as it comes from the factory."""
    return b"\xff" * FS_BYTES


def deployed_flash(profile: Profile, image: uf2.Uf2) -> Path:
    """Path of a flash file with this firmware and `profile`. Copy it, do not change it."""
    kept = paths.build() / "emulator" / f"{fingerprint(profile, image.raw)}.img"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as name:
            fresh = Path(name) / "flash.img"
            _deploy_to(fresh, profile, image)
            fresh.replace(kept)
    return kept


def _deploy_to(flash: Path, profile: Profile, image: uf2.Uf2) -> None:
    flash.write_bytes(erased())
    outlet: list[PtyPort] = []
    board = EmulatedBoard(
        profile.world(), image, flash, lambda data: outlet[0].send(data) if outlet else None
    )
    port = PtyPort(board.write_serial, board.host_reads)
    outlet.append(port)
    board.sleep(1.0)  # enumerated, its empty filesystem made
    board.keep_pace(True)
    try:
        deploy(port.path, profile)
        board.check()
    finally:
        port.close()
        board.close()
