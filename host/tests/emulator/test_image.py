"""Where the MicroPython image comes from: named, in the environment, kept, fetched; and what is not trusted."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from picoinfuse.emulator.errors import NoFirmware, UntrustedFirmware
from picoinfuse.emulator.image import ENVIRONMENT, OFFICIAL, Release, find_image
from picoinfuse.image import uf2
from picoinfuse.image.errors import BadUf2

IMAGE = uf2.write(bytes(range(256)) * 1000)  # 256 kB that are a valid UF2


class Handler(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self) -> None:
        type(self).requests += 1
        self.send_response(200 if self.path == "/image.uf2" else 404)
        self.send_header("Content-Length", str(len(IMAGE)))
        self.end_headers()
        self.wfile.write(IMAGE)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    Handler.requests = 0
    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def release(url: str, digest: str | None = None) -> Release:
    return Release("image.uf2", url + "/image.uf2", digest or hashlib.sha256(IMAGE).hexdigest())


def test_a_download_is_kept_and_fetched_once(server: str, tmp_path: Path):
    told: list[tuple[int, int | None]] = []
    first = find_image(release=release(server), cache=tmp_path, progress=lambda *done: told.append(done))
    assert first.read_bytes() == IMAGE
    assert told[-1] == (len(IMAGE), len(IMAGE))
    assert len(told) > 3
    assert find_image(release=release(server), cache=tmp_path) == first
    assert Handler.requests == 1
    assert list(tmp_path.iterdir()) == [first]


def test_a_download_with_another_digest_is_not_kept(server: str, tmp_path: Path):
    with pytest.raises(UntrustedFirmware, match="not 0000"):
        find_image(release=release(server, "0" * 64), cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kept_image_that_was_changed_is_fetched_again(server: str, tmp_path: Path):
    kept = find_image(release=release(server), cache=tmp_path)
    kept.write_bytes(IMAGE[:-512])
    assert find_image(release=release(server), cache=tmp_path).read_bytes() == IMAGE
    assert Handler.requests == 2


def test_an_image_that_is_named_comes_first_then_the_environment(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    named, exported = tmp_path / "named.uf2", tmp_path / "exported.uf2"
    named.write_bytes(IMAGE)
    exported.write_bytes(IMAGE)
    monkeypatch.setenv(ENVIRONMENT, str(exported))
    assert find_image(named, release=release(server), cache=tmp_path) == named
    assert find_image(release=release(server), cache=tmp_path) == exported
    assert Handler.requests == 0


def test_a_named_file_that_is_no_uf2_is_refused(tmp_path: Path):
    wrong = tmp_path / "wrong.uf2"
    wrong.write_bytes(b"no image at all" * 100)
    with pytest.raises(BadUf2, match="magic"):
        find_image(wrong)


def test_with_none_to_be_had_the_error_says_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    unreachable = release("http://127.0.0.1:9")
    with pytest.raises(NoFirmware) as error:
        find_image(release=unreachable, cache=tmp_path)
    for words in ("--uf2 FILE", ENVIRONMENT, str(tmp_path), unreachable.url):
        assert words in str(error.value)


def test_the_official_release_is_pinned_to_micropython_org_over_https():
    assert OFFICIAL.url.startswith("https://micropython.org/")
    assert len(bytes.fromhex(OFFICIAL.sha256)) == 32
