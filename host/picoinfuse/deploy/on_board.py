"""The scripts that a deployment runs on the board through mpremote, and what they report.

The application is the folder /pump, which exists only while it is complete:

    /staged      new files; one folder, in which `~` stands for `/`, since each folder takes two blocks
    /pump.half   the application while its files change: /pump under another name

New files are copied to /staged and verified. Then /pump is renamed, obsolete files are removed from it, staged files
are moved in, and it is renamed back. A board that starts in between finds no /pump, and main.py alarms. A rename on
littlefs is atomic, also when the power fails.
"""

from dataclasses import dataclass, field

STAGED = "/staged"
HALF = "/pump.half"
APP = "/pump"
ON_TOP = ("/boot.py", "/profile.json", "/main.py")  # beside the application, in the order in which they are put there

# Says what is there: the board, its room, and the SHA-256 of each file that is the pump's.
LOOK = f"""
import binascii, hashlib, json, os, sys
buffer = bytearray(1024)
def tell(path):
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while True:
            count = file.readinto(buffer)
            if not count:
                break
            digest.update(memoryview(buffer)[:count])
            size += count
    print("file", binascii.hexlify(digest.digest()).decode(), size, path)
def look(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            look(path)
        else:
            tell(path)
for path in {ON_TOP}:
    try:
        tell(path)
    except OSError:
        pass
for path in {(APP, HALF, STAGED)}:
    look(path)
i = sys.implementation
room = os.statvfs("/")
mpy, machine = getattr(i, "_mpy", None), getattr(i, "_machine", "")
print("board", json.dumps([i.name, list(i.version)[:3], mpy, sys.platform, machine]))
print("room", room[1], room[3])
"""

# Common to the next two: a folder is emptied of what is not in `keep`, and of folders that are not in `folders`.
_CLEAN = """
import os
def there(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True
def clean(folder, keep, folders, say):
    for entry in list(os.ilistdir(folder)):
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            clean(path, keep, folders, say)
            if path not in folders:
                os.rmdir(path)
        elif path not in keep:
            os.remove(path)
            if say:
                print("removed", path)
def make(folders):
    for path in folders:
        if not there(path):
            os.mkdir(path)
"""

# Leaves in /staged only what an earlier deployment that was cut short had copied and that is still wanted.
PREPARE = (
    _CLEAN
    + f"""
for path in {{others}}:
    if there(path):
        clean(path, (), (), False)
        os.rmdir(path)
make({{folders}})
clean("{STAGED}", {{keep}}, {{folders}}, False)
"""
)

# Raises when a file is not what was sent.
VERIFY = """
import binascii, hashlib
for path, expected in {expected}:
    with open(path, "rb") as file:
        found = binascii.hexlify(hashlib.sha256(file.read()).digest()).decode()
    if found != expected:
        raise ValueError("damaged on its way: " + path)
"""

# One file takes the place of the old one at once.
COMMIT_ONE = """
import os
os.rename("{staged}", "{path}")
"""

COMMIT = (
    _CLEAN
    + f"""
if there("{APP}"):
    os.rename("{APP}", "{HALF}")
make(("{HALF}",))
clean("{HALF}", {{keep}}, {{folders}}, True)
make({{folders}})
names = [entry[0] for entry in os.ilistdir("{STAGED}")] if there("{STAGED}") else []
for name in names:
    if name.startswith("{APP[1:]}~"):
        os.rename("{STAGED}/" + name, "{HALF}/" + name[{len(APP)}:].replace("~", "/"))
for path in {ON_TOP}:
    if path[1:] in names:
        os.rename("{STAGED}" + path, path)
os.rename("{HALF}", "{APP}")
"""
)

# Folders that are empty now. It does not matter when this is not reached.
TIDY = (
    _CLEAN
    + f"""
if there("{STAGED}"):
    clean("{STAGED}", (), (), False)
    os.rmdir("{STAGED}")
"""
)


def staged_name(path: str) -> str:
    """Where a file waits until it is moved to `path`."""
    return f"{STAGED}/{path[1:].replace('/', '~')}"


def final_path(staged: str) -> str:
    """Where a staged file goes: the inverse of `staged_name`."""
    return staged.removeprefix(STAGED).replace("~", "/")


@dataclass
class Found:
    """What LOOK said. `files`: path on the board to (SHA-256, bytes)."""

    name: str = ""
    version: tuple[int, ...] = ()
    mpy: int | None = None  # `sys.implementation._mpy`
    platform: str = ""
    machine: str = ""
    block_bytes: int = 0
    free_blocks: int = 0
    files: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def frozen(self) -> bool:
        """A production image: the firmware is in it, files of the same name do not run."""
        return self.machine.startswith("picoinfuse on ")

    @property
    def half(self) -> bool:
        """A deployment was cut short when it had begun to change the application."""
        return not self._below(APP) and bool(self._below(HALF))

    @property
    def now(self) -> dict[str, str]:
        """SHA-256 of the pump's files, by the path that they have when the application is whole."""
        app = {APP + path.removeprefix(HALF): digest for path, digest in self._below(HALF).items()}
        on_top = {path: self.files[path][0] for path in ON_TOP if path in self.files}
        return {**(app if self.half else self._below(APP)), **on_top}

    @property
    def staged(self) -> dict[str, str]:
        """SHA-256 of what an earlier deployment has left to be moved in, by the path where it was to go."""
        return {final_path(name): digest for name, digest in self._below(STAGED).items()}

    def blocks(self, size: int) -> int:
        """Of the filesystem, for a file; a block of littlefs holds a few words that are not the file's."""
        return size // (self.block_bytes - 32) + 1

    def _below(self, folder: str) -> dict[str, str]:
        return {path: digest for path, (digest, _) in self.files.items() if path.startswith(folder + "/")}
