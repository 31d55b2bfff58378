"""Calls that are settled once: outputs in the order of their names, in pieces, finite."""

from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors, model


def test_outputs_come_in_the_order_of_their_names(tiny: model.Model, images: np.ndarray) -> None:
    found = tiny.classify(images)
    for names in (("logits", "probs"), ("probs", "logits"), ("logits",)):
        arrays = tiny.graphs.call("classifier", "test", *names)({"x": images})
        for name, array in zip(names, arrays, strict=True):
            np.testing.assert_array_equal(array, getattr(found, name))
    assert list(tiny.graphs.run("classifier", {"x": images}, 9)) == ["logits", "probs"]


@pytest.mark.parametrize("size", [None, 1, 4, 30, 31])
def test_a_call_of_rows_is_the_call_of_feeds(
    tiny: model.Model, images: np.ndarray, size: int | None
) -> None:
    whole = tiny.graphs.call("classifier", "test", "logits", "probs")
    of_rows = tiny.graphs.of_rows("classifier", "test", "logits", "probs")
    for n in (0, 1, 8, 9, 30):
        wanted = whole({"x": images[:n]})
        for arrays in (of_rows(images[:n], size), whole({"x": images[:n]}, size)):
            for array, other in zip(arrays, wanted, strict=True):
                np.testing.assert_array_equal(array, other)


def test_noise_that_is_given_is_used_and_else_zero(noisy: model.Model) -> None:
    x = np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32)
    call = noisy.graphs.call("classifier", "test", "logits")
    (zero,) = call({"x": x, "a": np.zeros((9, 1), np.float32)})
    np.testing.assert_array_equal(call({"x": x})[0], zero)
    np.testing.assert_array_equal(call({"x": x}, 4)[0], zero)
    np.testing.assert_array_equal(noisy.graphs.of_rows("classifier", "test", "logits")(x)[0], zero)
    (other,) = call({"x": x, "a": np.ones((9, 1), np.float32)}, 4)
    assert not np.allclose(other, zero)


@pytest.mark.parametrize("size", [0, -1, 1.5, "2", True])
def test_a_size_that_is_none(tiny: model.Model, images: np.ndarray, size: object) -> None:
    with pytest.raises(errors.InputError, match="batch_size"):
        tiny.graphs.call("classifier", "test", "probs")({"x": images}, size)


def test_a_model_of_another_size_cuts_its_calls(data: Path, images: np.ndarray) -> None:
    with model.load(data / "tiny.ssdgm", options=model.Options(max_batch=7)) as opened:
        pieces = list(opened.graphs.pieces("classifier", {"x": images}, 7, "probs"))
        assert [len(piece["probs"]) for piece in pieces] == [7, 7, 7, 7, 2]
        np.testing.assert_array_equal(
            np.concatenate([piece["probs"] for piece in pieces]), opened.predict_proba(images)
        )
