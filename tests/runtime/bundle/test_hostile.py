"""What a hostile caller, machine or bundle may hand over: each is refused in a sentence."""

import gzip
import io
import json
import shlex
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import arguments, errors, model, terminal
from ssdgm_runtime.bench import cell, request
from ssdgm_runtime.bundle import contents, golden
from ssdgm_runtime.console import summaries
from ssdgm_runtime.engine import machine, session
from ssdgm_runtime.readers import arrays, inputs

Anything = Any
HUGE = int("9" * 4000) ** 2


class Unreadable:
    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("detach me")

    def detach(self) -> None: ...


class TestOutputs:
    @pytest.fixture
    def broken(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[model.Model]:
        """A model whose graphs give one row that is not finite."""
        compiled = session.Session.call

        def spoilt(opened: session.Session, names: Sequence[str]) -> Anything:
            call = compiled(opened, names)

            def answer(*given: Anything) -> Anything:
                arrays = call(*given)
                for array in arrays:
                    array[min(1, len(array) - 1)] = np.nan
                return arrays

            return answer

        monkeypatch.setattr(session.Session, "call", spoilt)
        with model.load(data / "tiny.ssdgm", provider="cpu") as opened:
            yield opened

    @pytest.mark.parametrize(
        ("call", "name"),
        [
            (lambda m, x: m.classify(x), "logits"),
            (lambda m, x: m.classify(x, batch_size=2), "logits"),
            (lambda m, x: m.predict_proba(x), "probs"),
            (lambda m, x: m.predict_proba(x, out=np.zeros((3, 3), np.float32)), "probs"),
            (lambda m, x: m.encode(x, 0), "z_mean"),
            (lambda m, x: m.encode(x), "probs"),
            (lambda m, x: m.reconstruct(x, 0), "z_mean"),
            (lambda m, x: m.generate(0, 3), "x"),
            (lambda m, x: m.generate(0, 3, sample=True), "probs"),
        ],
    )
    def test_what_is_not_finite_is_no_answer(
        self, broken: model.Model, images: np.ndarray, call: Anything, name: str
    ) -> None:
        with pytest.raises(errors.InputError, match=rf"output {name} is .*first: row 1\).*Check"):
            call(broken, images[:3])


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 1e39},
        {"temperature": HUGE},
        {"y": np.eye(3) * 1e300},
        {"n": 99999999999},
        {"n": 2**31 - 1},
        {"n": HUGE},
        {"y": None, "n": 2**31 - 1},
        {"seed": 2**63},
        {"y": "9" * 5000},
        {"y": np.ma.masked_array(np.eye(3), np.eye(3))},
        {"y": Unreadable()},
    ],
)
def test_arguments_of_generate(tiny: model.Model, given: dict[str, Any]) -> None:
    with pytest.raises(errors.InputError) as caught:
        tiny.generate(**{"y": 0, **given})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "call",
    [
        lambda: machine.threads(1025),
        lambda: machine.threads(HUGE),
        lambda: machine.threads(-HUGE),
        lambda: machine.threads(None, {"SSDGM_THREADS": "9" * 5000}),
        lambda: request.sizes("1," + "9" * 5000),
        lambda: arguments.count(HUGE, "n", 0),
        *(lambda path=path: model.load(path) for path in (None, 5, b"x", "", "a\0b")),
    ],
)
def test_numbers_and_paths(call: Callable[[], object]) -> None:
    with pytest.raises(errors.InputError):
        call()


@pytest.mark.parametrize(
    ("x", "hint"),
    [
        ([[1, 2, 3]], "np.asarray(x).astype(np.float32)"),
        (np.ma.masked_array(np.zeros((1, 3), np.float32), [[1, 0, 0]]), "x.filled(0)"),
        (Unreadable(), "x.detach().cpu().numpy()"),
    ],
)
def test_arrays(noisy: model.Model, x: Anything, hint: str) -> None:
    with pytest.raises(errors.InputError) as caught:
        noisy.classify(x)
    assert hint in str(caught.value)


@pytest.mark.parametrize("key", ["provider", "variant"])
def test_words(data: Path, key: str) -> None:
    with pytest.raises(errors.InputError, match=key):
        model.load(data / "tiny.ssdgm", **{key: ["cpu"]})


OURS = ("additional_metadata", "ssdgm")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("likelihood", "total"), 10**9),
        (("input", "range"), [0, 10**400]),
        (("format",), "1." + "0" * 5000),
        (("io", "decoder", "noise"), ["z", "z"]),
        (("io", "decoder", "noise"), ["z", "w"]),
    ],
)
def test_manifest(edit: Anything, path: tuple[str, ...], value: object) -> None:
    def change(document: Anything) -> None:
        table = document["additional_metadata"]["ssdgm"]
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = value

    with pytest.raises(errors.FormatError) as caught:
        model.load(edit(change), provider="cpu")
    assert len(str(caught.value)) < 400


def test_a_key_twice(bundle: Path, reseal: Anything) -> None:
    place = bundle / "manifest.json"
    place.write_text(place.read_text().replace("{", '{"layout": "portable",', 1))
    with pytest.raises(errors.FormatError, match="'layout' twice"):
        contents.open_bundle(reseal(bundle))


def header(text: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + body


def archive() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros(3))
    return stream.getvalue()


BAD_NPY = [
    header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 4, 4)}\n"),
    header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -4, 4)}\n", bytes(16)),
    header("{'descr': '|u1', 'fortran_order': False, 'shape': ((\n", bytes(16)),
    header("(" * 5000),
    b"",
    archive(),
]


@pytest.mark.parametrize("content", BAD_NPY)
def test_golden_rows(bundle: Path, reseal: Anything, content: bytes) -> None:
    (bundle / "golden/classifier/x.npy").write_bytes(content)
    opened = contents.open_bundle(reseal(bundle))
    with pytest.raises(errors.FormatError, match=r"is not an \.npy file"):
        golden.inputs(opened, "classifier")


def test_no_golden_rows_to_measure_with(bundle: Path, reseal: Anything) -> None:
    np.save(bundle / "golden/classifier/x.npy", np.zeros((0, 4, 4), np.uint8))
    with (
        model.load(reseal(bundle), provider="cpu") as opened,
        pytest.raises(errors.FormatError, match="no rows"),
    ):
        cell.rows(opened, "classifier", 1)


@pytest.mark.parametrize("at", range(22))
def test_a_zip_with_a_damaged_directory(bundle: Path, tmp_path: Path, at: int) -> None:
    place = tmp_path / "a.zip"
    with zipfile.ZipFile(place, "w") as target:
        target.write(bundle / "manifest.json", "manifest.json")
    content = bytearray(place.read_bytes())
    content[at - 22] = 0xFF
    place.write_bytes(content)
    with pytest.raises(errors.BundleError):
        contents.open_bundle(place)


@pytest.mark.parametrize(
    "content",
    [
        bytes([0, 0, 8, 70]) + b"\0\0\0\1" * 70 + b"1",
        bytes([0, 0, 8, 255]) + bytes(4 * 255),
        bytes([0, 0, 8, 4]) + bytes(4) + b"\xff" * 12,
    ],
)
def test_idx_axes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.idx").write_bytes(content)
    with pytest.raises(errors.DataError):
        inputs.read_idx(tmp_path / "a.idx")


@pytest.mark.parametrize("path", ["", None, b"x", "a\0b"])
@pytest.mark.parametrize("read", [inputs.read_rows, inputs.read_images, inputs.read_npz])
def test_no_path_of_data(read: Anything, path: Anything) -> None:
    with pytest.raises(errors.DataError):
        read(path)


def test_an_array_that_is_too_big_once_unpacked(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000))
    with pytest.raises(errors.DataError, match="too big"):
        inputs.read_npz(tmp_path / "a.npz", max_bytes=1000)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as target:
        target.writestr("x.npy", BAD_NPY[0])
    with pytest.raises(errors.DataError, match="announces"):
        inputs.read_npz(tmp_path / "b.npz")


LOUD = "import sys; from ssdgm_runtime import __main__; sys.exit(__main__.main(sys.argv[1:]))"


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (">&-", 0),
        (">/dev/full", 2),
        (">/dev/full --json", 2),
        (">/dev/full 2>/dev/full", 2),
        (">&- 2>&-", 0),
        ("/no 2>&-", 2),
        ("/no 2>/dev/full", 2),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_streams(data: Path, ending: str, code: int) -> None:
    bundle = "" if ending.startswith("/no") else shlex.quote(str(data / "tiny.ssdgm"))
    line = f"{shlex.quote(sys.executable)} -c '{LOUD}' inspect {bundle} {ending}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr


def test_what_an_encoding_lacks_and_what_a_terminal_obeys() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    terminal.say("\u00e9", stream)
    assert raw.getvalue() == b"\\xe9\n"
    terminal.say("text", None)
    assert terminal.plain("a\x1b[31m\n\u00e9") == "a\\x1b[31m\\n\u00e9"
    record = {"row": 0, "name": "\x1b]0;", "probability": 1.0}
    assert "\x1b" not in summaries.classify(
        json.loads(json.dumps({"space": "classes", "predictions": [record]}))
    )


def test_a_gzip_file_that_unpacks_to_far_more_than_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "FREE", 1 << 20)
    place, head = tmp_path / "a.gz", struct.pack(">HBBI", 0, 8, 1, 4 << 20)
    place.write_bytes(gzip.compress(head + bytes(4 << 20)))
    with pytest.raises(errors.DataError, match="too big; expected at most 1"):
        inputs.read_idx(place)
    random = np.random.default_rng(0).integers(0, 255, 4 << 20, np.uint8).tobytes()
    place.write_bytes(gzip.compress(head + random, 1))
    assert inputs.read_idx(place).shape == (4 << 20,)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1 << 20))
    with pytest.raises(errors.DataError, match="too big"):
        inputs.read_npz(tmp_path / "a.npz")


def test_data_that_does_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise MemoryError

    place = tmp_path / "a.idx"
    place.write_bytes(struct.pack(">HBBI", 0, 8, 1, 4) + bytes(4))
    monkeypatch.setattr(arrays, "_take", full)
    with pytest.raises(errors.DataError, match="too big; expected what fits into memory"):
        inputs.read_idx(place)
