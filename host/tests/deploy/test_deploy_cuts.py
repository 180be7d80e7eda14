"""A deployment whose power goes at any write to the flash: the board has the old application, the new one, or none.

The scripts of a deployment run on the MicroPython VM, with littlefs on a flash in memory that stops taking writes
after so many. Then the board starts again, is looked at, and is deployed to once more, which must mend it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from picoinfuse.deploy.on_board import SURVEY, Found
from picoinfuse.deploy.plan import Plan, plan

VM = shutil.which("micropython", path=str(Path(sys.executable).parent))
pytestmark = pytest.mark.skipif(VM is None, reason="no MicroPython VM for this platform")

# 128 blocks stand for the 352 of a Pico. `left`: how many writes and erases the flash still takes.
SETUP = """
import json, os, sys, vfs
class PowerCut(Exception):
    pass
class Flash:
    def __init__(self, data):
        self.data = data
        self.left = 1000000
    def _use(self):
        if self.left == 0:
            raise PowerCut
        self.left -= 1
    def readblocks(self, n, buf, offset=0):
        start = n * 4096 + offset
        buf[:] = self.data[start:start + len(buf)]
    def writeblocks(self, n, buf, offset=0):
        self._use()
        start = n * 4096 + offset
        self.data[start:start + len(buf)] = buf
    def ioctl(self, op, arg):
        if op == 4: return 128
        if op == 5: return 4096
        if op == 6:
            self._use()
            self.data[arg * 4096:(arg + 1) * 4096] = b"\\xff" * 4096
            return 0
def mount(flash):
    try:
        vfs.umount("/")
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/")
    os.chdir("/")
def put(path, text):
    for i in range(1, len(path)):
        if path[i] == "/":
            try:
                os.mkdir(path[:i])
            except OSError:
                pass
    with open(path, "wb") as file:
        for start in range(0, len(text), 256):  # as mpremote does
            file.write(text[start:start + 256])
def files(folder="/"):
    found = {}
    for entry in os.ilistdir(folder):
        path = folder.rstrip("/") + "/" + entry[0]
        if entry[1] == 0x4000:
            found.update(files(path))
        else:
            with open(path, "rb") as file:
                found[path] = file.read().decode()
    return found
quiet = {"print": lambda *values: None}
def carry_out(steps):
    for kind, first, second in steps:
        if kind == "cp":
            put(first, second.encode())
        else:
            exec(first, dict(quiet))
"""

# Cuts at one write after the other, until the deployment has enough of them. Prints what was found after each.
STAIRCASE = """
fresh = Flash(bytearray(b"\\xff" * 4096 * 128))
vfs.VfsLfs2.mkfs(fresh, progsize=256)
mount(fresh)
for path, text in {old}:
    put(path, text.encode())
vfs.umount("/")
for cut in {cuts}:
    flash = Flash(bytearray(fresh.data))
    mount(flash)
    flash.left = cut
    whole = True
    try:
        carry_out({steps})
    except Exception as error:
        whole = False
        if flash.left:
            print("failed:", repr(error))
    mount(Flash(bytearray(flash.data)))  # what a file that is closed later would write is lost
    flash.left = 0
    print(json.dumps([cut, whole, files()]))
    if whole:
        break
"""

OLD = {
    "/boot.py": "old boot",
    "/main.py": "old main",
    "/profile.json": "old profile",
    "/calibration.json": "1031/1000",  # the pump's own, which no deployment touches
    "/pump/app.py": "old app" * 900,
    "/pump/same.mpy": "same",
    "/pump/gone/thing.mpy": "old thing",
    "/pump/core/ramp.mpy": "old ramp",
}
NEW = {
    "/boot.py": "new boot",
    "/main.py": "new main",
    "/profile.json": "new profile",
    "/pump/app.mpy": "new app" * 900,
    "/pump/same.mpy": "same",
    "/pump/core/ramp.mpy": "new ramp",
    "/pump/link/task.mpy": "new task",
}
NO_CUT = "[999999]"
KEPT = {"/calibration.json": "1031/1000"}


def vm(script: str) -> list[str]:
    assert VM is not None
    done = subprocess.run([VM, "-X", "heapsize=8M", "-c", SETUP + script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    return done.stdout.splitlines()


def survey(files: dict[str, str]) -> Found:
    """The report of SURVEY for these files."""
    found = Found("micropython", (1, 25, 0), 0x0306, "rp2", "Raspberry Pi Pico with RP2040", 4096, 300)
    found.files = {path: (hashlib.sha256(text.encode()).hexdigest(), len(text)) for path, text in files.items()}
    return found


def steps(todo: Plan) -> list[tuple[str, str, str]]:
    """The steps of mpremote, without the reset."""
    done: list[tuple[str, str, str]] = []
    for command in (word.split("\0") for word in "\0".join(todo.commands()).split("\0+\0")):
        if command[0] == "exec":
            done.append(("exec", command[1], ""))
        elif command[0] == "fs":
            done.append(("cp", command[3].removeprefix(":"), Path(command[2]).read_text()))
    return done


@pytest.fixture
def new(tmp_path: Path) -> Path:
    for path, text in NEW.items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def staircase(old: dict[str, str], todo: Plan, cuts: str = "range(1000)") -> list[tuple[int, bool, dict[str, str]]]:
    lines = vm(STAIRCASE.format(old=list(old.items()), steps=steps(todo), cuts=cuts))
    return [tuple(json.loads(line)) for line in lines if line.startswith("[")]


def generation(files: dict[str, str]) -> str:
    """The application that would start: old, new, or none."""
    app = {path: text for path, text in files.items() if not path.startswith(("/staged", "/pump.half"))}
    if not any(path.startswith("/pump/") for path in app):
        assert app["/main.py"] in ("old main", "new main")
        assert app["/boot.py"] in ("old boot", "new boot")
        return "none"
    assert app in (OLD, {**NEW, **KEPT})
    return "old" if app == OLD else "new"


def test_power_cut_at_any_write_leaves_the_old_application_the_new_one_or_none(new: Path) -> None:
    stairs = staircase(OLD, plan(new, survey(OLD)))
    seen = [generation(files) for _, _, files in stairs]
    assert [name for i, name in enumerate(seen) if i == 0 or seen[i - 1] != name] == ["old", "none", "new"]
    assert stairs[-1][1]
    assert stairs[-1][2] == {**NEW, **KEPT}  # and nothing beside it
    assert len(stairs) > 40  # flash operations of this small deployment, each of them cut


def test_next_deployment_repairs_any_state_after_a_power_cut(new: Path) -> None:
    states = {json.dumps(files, sort_keys=True): files for _, _, files in staircase(OLD, plan(new, survey(OLD)))}
    assert len(states) > 15
    for files in states.values():
        whole, after = staircase(files, plan(new, survey(files)), NO_CUT)[0][1:]
        assert (whole, after) == (True, {**NEW, **KEPT}), files


def test_one_changed_file_is_replaced_at_once(new: Path) -> None:
    """There is an application at every moment."""
    before = {**NEW, "/profile.json": "old profile"}
    for _, _, files in staircase(before, plan(new, survey(before))):
        assert {path: text for path, text in files.items() if not path.startswith("/staged")} in (before, NEW)


def test_file_damaged_in_transfer_is_rejected(new: Path) -> None:
    (new / "pump/link/task.mpy").write_text("new task")
    todo = plan(new, survey(OLD))
    (new / "pump/link/task.mpy").write_text("new tusk")  # the file that mpremote then copies
    _, whole, files = staircase(OLD, todo, NO_CUT)[0]
    assert not whole
    assert generation(files) == "old"


def test_survey_reports_every_file_of_the_pump_and_the_free_space(new: Path) -> None:
    script = """
flash = Flash(bytearray(b"\\xff" * 4096 * 128))
vfs.VfsLfs2.mkfs(flash, progsize=256)
mount(flash)
for path, text in {files}:
    put(path, text.encode())
exec({survey})
"""
    output = vm(script.format(files=list({**OLD, "/staged/main.py": "new main"}.items()), survey=repr(SURVEY)))
    reported = [line.split(" ", 3) for line in output if line.startswith("file ")]
    expected = survey({path: text for path, text in OLD.items() if path not in KEPT} | {"/staged/main.py": "new main"})
    assert {path: (digest, int(size)) for _, digest, size, path in reported} == expected.files
    room = next(line.split() for line in output if line.startswith("room "))
    assert room[1] == "4096"
    assert 90 < int(room[2]) < 128
