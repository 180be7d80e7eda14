"""The scripts that a deployment runs on the board through mpremote, and their reports.

The application is the folder /pump, which exists only while it is complete:

    /staged      new files; one folder, with `~` for `/` in names, since each folder takes two blocks
    /pump.half   the application while its files change: /pump, renamed

New files are copied to /staged and verified. Then /pump is renamed, obsolete files are removed from it, staged files
are moved in, and it is renamed back. A board that starts in between finds no /pump, and main.py alarms. A rename on
littlefs is atomic, also when the power fails.
"""

from dataclasses import dataclass, field

STAGED = "/staged"
INTERRUPTED = "/pump.half"
APP = "/pump"
ON_TOP = ("/boot.py", "/profile.json", "/main.py")  # beside the application, in the order of their installation

# Reports the board, its free space, and the SHA-256 of each file of the pump.
SURVEY = f"""
import binascii, hashlib, json, os, sys
buffer = bytearray(1024)
def report(path):
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
def survey(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            survey(path)
        else:
            report(path)
for path in {ON_TOP}:
    try:
        report(path)
    except OSError:
        pass
for path in {(APP, INTERRUPTED, STAGED)}:
    survey(path)
i = sys.implementation
room = os.statvfs("/")
mpy, machine = getattr(i, "_mpy", None), getattr(i, "_machine", "")
print("board", json.dumps([i.name, list(i.version)[:3], mpy, sys.platform, machine]))
print("room", room[1], room[3])
"""

# Shared by the scripts below: removes files not in `keep` and folders not in `folders` from a folder.
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

# Keeps only those files in /staged that an interrupted deployment has copied and that are still needed.
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

# Raises ValueError when a file differs from the one sent.
VERIFY = """
import binascii, hashlib
for path, expected in {expected}:
    with open(path, "rb") as file:
        found = binascii.hexlify(hashlib.sha256(file.read()).digest()).decode()
    if found != expected:
        raise ValueError("damaged in transfer: " + path)
"""

# Replaces one file in one rename.
COMMIT_ONE = """
import os
os.rename("{staged}", "{path}")
"""

COMMIT = (
    _CLEAN
    + f"""
if there("{APP}"):
    os.rename("{APP}", "{INTERRUPTED}")
make(("{INTERRUPTED}",))
clean("{INTERRUPTED}", {{keep}}, {{folders}}, True)
make({{folders}})
names = [entry[0] for entry in os.ilistdir("{STAGED}")] if there("{STAGED}") else []
for name in names:
    if name.startswith("{APP[1:]}~"):
        os.rename("{STAGED}/" + name, "{INTERRUPTED}/" + name[{len(APP)}:].replace("~", "/"))
for path in {ON_TOP}:
    if path[1:] in names:
        os.rename("{STAGED}" + path, path)
os.rename("{INTERRUPTED}", "{APP}")
"""
)

# Removes the empty folders. A deployment is complete without it.
TIDY = (
    _CLEAN
    + f"""
if there("{STAGED}"):
    clean("{STAGED}", (), (), False)
    os.rmdir("{STAGED}")
"""
)


def staged_name(path: str) -> str:
    """The staged file that will be moved to `path`."""
    return f"{STAGED}/{path[1:].replace('/', '~')}"


def final_path(staged: str) -> str:
    """The destination of a staged file: the inverse of `staged_name`."""
    return staged.removeprefix(STAGED).replace("~", "/")


@dataclass
class Found:
    """The report of SURVEY. `files`: path on the board to (SHA-256, bytes)."""

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
        """Whether it is a production image: the firmware is frozen in, and files of the same name do not run."""
        return self.machine.startswith("picoinfuse on ")

    @property
    def interrupted(self) -> bool:
        """Whether a deployment was interrupted while it changed the application."""
        return not self._below(APP) and bool(self._below(INTERRUPTED))

    @property
    def now(self) -> dict[str, str]:
        """SHA-256 of the pump's files, by their path in a complete application."""
        app = {APP + path.removeprefix(INTERRUPTED): digest for path, digest in self._below(INTERRUPTED).items()}
        on_top = {path: self.files[path][0] for path in ON_TOP if path in self.files}
        return {**(app if self.interrupted else self._below(APP)), **on_top}

    @property
    def staged(self) -> dict[str, str]:
        """SHA-256 of the files that an earlier deployment has staged, by their destination."""
        return {final_path(name): digest for name, digest in self._below(STAGED).items()}

    def blocks(self, size: int) -> int:
        """Blocks of the filesystem for a file of `size` bytes; each has up to 32 bytes of littlefs's own data."""
        return size // (self.block_bytes - 32) + 1

    def _below(self, folder: str) -> dict[str, str]:
        return {path: digest for path, (digest, _) in self.files.items() if path.startswith(folder + "/")}
