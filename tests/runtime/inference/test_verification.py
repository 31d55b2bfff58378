import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import golden


def rewrite(path: Path, change: Callable[..., Any]) -> None:
    array = np.load(path)
    stream = io.BytesIO()
    np.save(stream, change(array))
    path.write_bytes(stream.getvalue())


def nudge(by: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array.flat[0] += by
        return array

    return change


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("which", ["tiny", "noisy"])
def test_an_intact_bundle_passes(data: Path, which: str, threads: int) -> None:
    with model.load(data / f"{which}.ssdgm", provider="cpu", threads=threads) as opened:
        report = opened.verify()
    assert report.passed
    assert report.digests
    assert [c.component for c in report.checks] == ["classifier", "encoder", "decoder"]
    assert all(c.rows == 6 and c.max_abs < 1e-4 and c.worst < 0.1 for c in report.checks)
    table = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert table["id"] == opened.info["id"]
    assert table["checks"][0]["provider"] == "CPUExecutionProvider"


@pytest.mark.parametrize("by", [0.5, np.nan, np.inf])
@pytest.mark.parametrize(
    ("component", "output"), [("classifier", "probs"), ("encoder", "z_scale"), ("decoder", "x")]
)
def test_another_output_fails_that_graph_alone(
    bundle: Path, reseal: Callable[..., Path], component: str, output: str, by: float
) -> None:
    rewrite(bundle / f"golden/{component}/fp32/{output}.npy", nudge(by))
    with model.load(reseal(bundle)) as opened:
        report = opened.verify()
    assert not report.passed
    assert {c.component: c.passed for c in report.checks}[component] is False
    assert sum(c.passed for c in report.checks) == 2
    json.dumps(report.to_json(), allow_nan=False)


def test_just_inside_and_just_outside_the_tolerance(
    bundle: Path, reseal: Callable[..., Path]
) -> None:
    path = bundle / "golden/encoder/fp32/z_mean.npy"
    value = float(np.abs(np.load(path).flat[0]))
    for share, passed in ((0.9, True), (1.1, False)):
        original = path.read_bytes()
        rewrite(path, nudge(share * (1e-4 + 1e-4 * value)))
        with model.load(reseal(bundle)) as opened:
            assert opened.verify().passed is passed
        path.write_bytes(original)


@pytest.mark.parametrize(("atol", "expected"), [(0.0, (4,)), (0.2, (4,)), (0.6, ())])
def test_rows_that_are_predicted_otherwise_are_listed(
    edit: Callable[..., Path], reseal: Callable[..., Path], atol: float, expected: tuple[int, ...]
) -> None:
    def change(document: object) -> None:
        for variant in document["components"]["classifier"]["variants"].values():
            variant["additional_metadata"]["tolerance"] = {"atol": atol, "rtol": 0}

    def turn(array: np.ndarray) -> np.ndarray:
        turned = array.copy()
        turned[4] = np.eye(3, dtype=np.float32)[array[4].argmin()]
        return turned

    folder = edit(change)
    rewrite(folder / "golden/classifier/fp32/probs.npy", turn)
    with model.load(reseal(folder)) as opened:
        check = opened.verify().checks[0]
    assert (check.disagreements, check.passed) == (expected, False)


def test_no_tolerance_asks_for_the_same_bits(
    edit: Callable[..., Path], bundle: Path, reseal: Callable[..., Path]
) -> None:
    def strict(document: object) -> None:
        for component in document["components"].values():
            for variant in component["variants"].values():
                variant["additional_metadata"]["tolerance"] = {"atol": 0.0, "rtol": 0.0}

    folder = edit(strict)
    with model.load(folder, threads=1) as opened:
        feeds = golden.inputs(opened.graphs.bundle, "classifier")
        exact = opened.graphs.run("classifier", feeds, 6)
    for name, array in exact.items():
        rewrite(folder / f"golden/classifier/fp32/{name}.npy", lambda _, array=array: array)
    with model.load(reseal(folder), threads=1) as opened:
        check = opened.verify().checks[0]
        assert check.passed
        assert check.worst == 0
    rewrite(folder / "golden/classifier/fp32/logits.npy", nudge(1e-6))
    with model.load(reseal(folder), threads=1) as opened:
        assert not opened.verify().checks[0].passed


def test_no_rows_is_no_pass(bundle: Path, reseal: Callable[..., Path]) -> None:
    for path in (bundle / "golden").rglob("*.npy"):
        rewrite(path, lambda array: array[:0])
    with model.load(reseal(bundle)) as opened:
        report = opened.verify()
    assert not report.passed
    assert {c.rows for c in report.checks} == {0}


def test_missing_golden_rows(bundle: Path, reseal: Callable[..., Path]) -> None:
    (bundle / "golden/decoder/fp32/x.npy").unlink()
    with (
        model.load(reseal(bundle)) as opened,
        pytest.raises(errors.IntegrityError, match="listed"),
    ):
        opened.verify()


@pytest.mark.parametrize(
    "change",
    [lambda a: a.astype(np.float64), lambda a: a[:, :1], lambda a: a[:3], lambda a: np.float32(1)],
)
def test_golden_rows_that_do_not_fit(
    bundle: Path, reseal: Callable[..., Path], change: Callable[..., Any]
) -> None:
    rewrite(bundle / "golden/encoder/fp32/z_mean.npy", change)
    with model.load(reseal(bundle)) as opened, pytest.raises(errors.FormatError):
        opened.verify()


def test_golden_inputs_of_different_lengths(bundle: Path, reseal: Callable[..., Path]) -> None:
    rewrite(bundle / "golden/encoder/y.npy", lambda array: array[:3])
    with model.load(reseal(bundle)) as opened, pytest.raises(errors.FormatError, match="lengths"):
        opened.verify()


def test_golden_rows_are_never_unpickled(bundle: Path, reseal: Callable[..., Path]) -> None:
    np.save(bundle / "golden/encoder/y.npy", np.array([{}], dtype=object), allow_pickle=True)
    with (
        model.load(reseal(bundle)) as opened,
        pytest.raises(errors.FormatError, match=r"is not an \.npy file"),
    ):
        opened.verify()


def test_the_files_are_hashed_again(bundle: Path) -> None:
    with model.load(bundle) as opened:
        (bundle / "README.md").write_text("changed")
        with pytest.raises(errors.IntegrityError, match=r"README\.md differs"):
            opened.verify()
