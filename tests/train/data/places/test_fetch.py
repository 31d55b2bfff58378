"""Downloads from a server on this machine: whole with the right digest, or not at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import exported
import handmade
import numpy as np
import pytest

from ssdgm_runtime import atomic, errors
from ssdgm_train import data
from ssdgm_train.data.places import fetch, named

BYTES = bytes(range(256)) * 40
DIGEST = hashlib.sha256(BYTES).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves files by name; `cut` ends them early."""

    files: dict[str, bytes]
    cut: int | None
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server(("127.0.0.1", 0), Handler) as found:
        found.files, found.cut, found.asked = {"good": BYTES}, None, []
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def remote(server: Server, *names: str, sha256: str = DIGEST, size: int = 0) -> fetch.Remote:
    base = f"http://127.0.0.1:{server.server_port}"
    return fetch.Remote(tuple(f"{base}/{name}" for name in names), size or len(BYTES), sha256)


def test_a_file_arrives_whole_and_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    for _ in range(2):
        fetch.fetch(remote(server, "good"), tmp_path / "f", lambda *words: told.append(words))
    assert (tmp_path / "f").read_bytes() == BYTES
    assert server.asked == ["/good"]
    assert told[0] == (0, len(BYTES), "good")
    assert told[-1] == (len(BYTES), len(BYTES), "good")


def test_a_damaged_file_in_place_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(BYTES[:-1])
    fetch.fetch(remote(server, "good"), tmp_path / "f", named.quiet)
    assert (tmp_path / "f").read_bytes() == BYTES


def test_the_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    server.files["bad"] = BYTES[::-1]
    fetch.fetch(remote(server, "gone", "bad", "good"), tmp_path / "f", named.quiet)
    assert server.asked == ["/gone", "/bad", "/good"]
    assert exported.left_behind(tmp_path) == ["f"]


@pytest.mark.parametrize(
    ("names", "cut", "size", "text"),
    [
        (("gone",), None, 0, "404"),
        (("good",), 100, 0, "100"),
        (("good",), None, len(BYTES) + 1, f"ended after {len(BYTES)} of {len(BYTES) + 1} bytes"),
        (("good",), None, 10, "more than 10 bytes"),
        (("other",), None, 0, "its SHA-256 is"),
    ],
)
def test_what_is_not_right_is_an_error_and_leaves_nothing(
    server: Server, tmp_path: Path, names: tuple[str, ...], cut: int | None, size: int, text: str
) -> None:
    server.files["other"], server.cut = BYTES[::-1], cut
    with pytest.raises(fetch.FetchError, match="could not be downloaded") as caught:
        fetch.fetch(remote(server, *names, size=size), tmp_path / "f", named.quiet)
    assert text in str(caught.value)
    assert exported.left_behind(tmp_path) == []


def test_an_interruption_leaves_nothing(server: Server, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetch(remote(server, "good"), tmp_path / "f", stop)
    assert exported.left_behind(tmp_path) == []


def test_a_known_name_is_downloaded_once_and_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (12, 4, 4)), np.arange(12) % 3
    arrays = {
        "train-images-idx3-ubyte": x, "train-labels-idx1-ubyte": y,
        "t10k-images-idx3-ubyte": x[:6], "t10k-labels-idx1-ubyte": y[:6],
    }  # fmt: skip
    server.files = {name: handmade.idx(array) for name, array in arrays.items()}
    files = tuple(
        remote(server, name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        for name, content in server.files.items()
    )
    monkeypatch.setitem(named.KNOWN, "kmnist", files)
    monkeypatch.setenv(atomic.CACHE, str(tmp_path))
    monkeypatch.delenv("SSDGM_DATA_DIR", raising=False)
    for _ in range(2):
        found = data.load("kmnist")
        np.testing.assert_array_equal(found.x, x)
        assert found.y.tolist() == y.tolist()
    assert len(server.asked) == len(files)


def test_without_a_network_the_error_says_what_to_put_where(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(named.KNOWN, "kmnist", (remote(server, "gone"),))
    monkeypatch.setenv(atomic.CACHE, str(tmp_path))
    monkeypatch.delenv("SSDGM_DATA_DIR", raising=False)
    with pytest.raises(errors.DataNotFound, match="Download the files on any machine") as caught:
        data.load("kmnist")
    for text in (DIGEST, "/gone", str(tmp_path / "kmnist")):
        assert text in str(caught.value)
