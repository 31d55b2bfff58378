"""Masks: a class for every place, from what callers write to what files hold."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import labelled
from ssdgm_runtime.labels import dense, registry
from ssdgm_runtime.pictures import overlays
from ssdgm_runtime.rows import checks, proper
from ssdgm_runtime.rows.tensor import Tensor, parse

SPACE = dense.Dense(("ground", "grey", "white"), (0, 7, 9), 2)
MASK = np.uint8([[0, 7], [9, 9]])
PROBS = np.float32(
    [[[[0.9, 0.1], [0.1, 0.3]], [[0.1, 0.8], [0.1, 0.3]], [[0.0, 0.1], [0.8, 0.4]]]]
)


class TestReading:
    def test_masks_of_own_values_become_one_hot(self) -> None:
        y = SPACE.read(MASK[None])
        assert (y.shape, y.dtype) == ((1, 3, 2, 2), np.float32)
        assert SPACE.own_values[SPACE.nearest(y)].tolist() == [MASK.tolist()]

    def test_one_mask_serves_all_rows_and_weights_are_taken_as_they_are(self) -> None:
        assert SPACE.read(MASK, 3).shape == (3, 3, 2, 2)
        assert np.array_equal(SPACE.read(PROBS), PROBS)

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (MASK + 1, "another number in mask 0; expected masks"),
            (np.uint8([[0, 7, 9]]), "uint8"),
            ("grey", "expected masks"),
            (np.zeros((1, 2, 2, 2), np.float32), "float32"),
        ],
    )
    def test_what_is_no_mask_is_refused(self, y: Any, message: str) -> None:  # noqa: ANN401
        with pytest.raises(errors.InputError, match=message):
            SPACE.read(y)

    def test_other_counts_than_rows_are_refused(self) -> None:
        with pytest.raises(errors.InputError, match="2 masks; expected one for each of the 3"):
            SPACE.read(np.stack([MASK, MASK]), 3)

    def test_words_and_pictures_draw_discs(self) -> None:
        shown, spoken = SPACE.shown(), SPACE.spoken(["white"])
        assert shown.shape == (2, 3, 8, 8)
        assert np.array_equal(shown[1:], spoken)
        assert SPACE.captions(shown) == ["ground + grey", "ground + white"]
        with pytest.raises(errors.InputError, match="one of ground, grey, white"):
            SPACE.spoken(["blue"])

    def test_no_mask_is_drawn(self) -> None:
        with pytest.raises(errors.TaskUnavailable, match="draws no masks"):
            SPACE.draw(np.zeros((1, 1)))


class TestAnswers:
    def test_classes_shares_and_counts(self) -> None:
        answer = SPACE.answer([PROBS])
        assert SPACE.predict([PROBS]).tolist() == [MASK.tolist()]
        assert answer.shares == [[0.25, 0.25, 0.5]]
        assert answer.top(1) == [[("white", 0.5)]]
        with pytest.raises(errors.InputError, match="k is 0; expected a whole number from 1"):
            answer.top(0)
        assert answer.counts() == {"ground": 1, "grey": 1, "white": 1}
        assert (len(answer), len(answer.part(slice(0, 0)))) == (1, 0)
        record = SPACE.records(answer)[0]
        assert registry.line("masks", record) == answer.names[0]
        assert SPACE.columns(answer)["share_white"] == [0.5]

    def test_wrong_is_a_share_of_the_known_places(self) -> None:
        y = np.uint8([[[0, 1], [255, 1]]])
        assert SPACE.wrong([PROBS], y).tolist() == [1 / 3]
        assert np.isnan(SPACE.wrong([PROBS], np.full_like(y, 255))).all()

    def test_a_place_in_doubt_may_differ_and_a_clear_one_may_not(self) -> None:
        other = PROBS.copy()
        other[0, :, 1, 1] = (0.4, 0.3, 0.3)
        assert SPACE.differs([other], [PROBS], 0.05, 0) == ()
        assert SPACE.differs([other], [PROBS], 0.01, 0) == (0,)
        assert SPACE.clear([PROBS], 0.01, 0).tolist() == [True]
        assert SPACE.clear([PROBS], 0.05, 0).tolist() == [False]

    def test_own_values_become_indices(self) -> None:
        values = np.uint8([[[0, 7], [9, 255]]])
        assert SPACE.targets(values).tolist() == [[[0, 1], [2, 255]]]
        with pytest.raises(errors.DataError, match="among them 8"):
            SPACE.targets(values + (values == 7))

    def test_probabilities_sum_to_one_at_every_place(self) -> None:
        (_, look), *_ = proper.looks([SPACE.kinds["probs"]])
        off = PROBS.copy()
        off[0, 0, 0, 0] += 0.1
        assert look(PROBS)
        assert not look(off)


class TestManifest:
    def test_a_space_survives_its_json(self) -> None:
        assert registry.parse(json.loads(json.dumps(SPACE.to_json()))) == SPACE

    @pytest.mark.parametrize(
        "wrong",
        [
            {"values": [0, 7]},
            {"values": [0, 7, 7]},
            {"values": [0, 7, 256]},
            {"names": []},
            {"stride": 0},
            {"stride": "2"},
        ],
    )
    def test_what_cannot_be_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(errors.FormatError):
            registry.parse({**SPACE.to_json(), **wrong})


class TestSides:
    TENSOR = Tensor("x", "uint8", ("batch", "2*height", "2*width"))

    def test_any_multiple_fits(self) -> None:
        assert self.TENSOR.row == (2, 2)
        assert [checks.fits(self.TENSOR, (3, *s)) for s in ((2, 2), (4, 6), (3, 2), (0, 2))] == [
            *(True, True),
            *(False, False),
        ]
        assert checks.rows(np.zeros((1, 4, 6), np.uint8), self.TENSOR).shape == (1, 4, 6)

    @pytest.mark.parametrize(
        ("shape", "hint"),
        [
            ((1, 3, 4), 'np.pad(x, [(0, 0), (0, 1), (0, 0)], mode="edge")'),
            ((4, 4), "x[None]"),
            ((4, 4, 4, 4), ""),
        ],
    )
    def test_others_are_refused_with_a_way(self, shape: tuple[int, ...], hint: str) -> None:
        with pytest.raises(errors.InputError) as caught:
            checks.rows(np.zeros(shape, np.uint8), self.TENSOR)
        assert "uint8 [n, 2*height, 2*width]" in str(caught.value)
        assert hint in str(caught.value)

    @pytest.mark.parametrize("axis", ["0*height", "2*depth", "02*width", "x*width", "12345*width"])
    def test_other_words_are_no_axes(self, axis: str) -> None:
        with pytest.raises(errors.FormatError):
            parse({"name": "x", "dtype": "uint8", "shape": ["batch", axis, 4]}, "x")


def test_overlays_tint_outline_and_darken() -> None:
    grey = overlays.coloured(np.full((1, 4, 4), 100, np.uint8))
    masks = np.zeros((1, 4, 4), np.uint8)
    masks[0, 1:, 1:] = 1
    masks[0, 3, 0] = 255
    drawn = overlays.over(grey, masks)
    assert drawn[0, 0, 0].tolist() == [100, 100, 100]
    assert drawn[0, 1, 1].tolist() == [230, 50, 40]
    assert drawn[0, 3, 0].tolist() == [65, 65, 65]
    assert drawn[0, 2, 2, 0] > drawn[0, 2, 2, 1]


@pytest.fixture
def bundle(data: Path) -> Path:
    """A bundle of masks, made by hand."""
    return data / "masked.ssdgm"


class TestABundle:
    def test_takes_pictures_of_any_size_in_one_go_or_in_pieces(self, bundle: Path) -> None:
        x = np.random.default_rng(0).integers(0, 17, (5, 4, 6), np.uint8)
        with model.load(bundle) as opened:
            assert opened.tasks == ("predict", "generate")
            assert opened.verify().passed
            whole, parts = opened.classify(x), opened.classify(x, batch_size=2)
            assert whole.probs.shape == (5, 3, 4, 6)
            assert np.array_equal(whole.probs, parts.probs)
            assert opened.predict(x).dtype == np.uint8
            assert opened.classify(x[:, :2, :2]).probs.shape == (5, 3, 2, 2)
            with pytest.raises(errors.InputError, match=r"np\.pad"):
                opened.classify(x[:, :3])

    def test_generates_from_masks(self, bundle: Path) -> None:
        with model.load(bundle) as opened:
            made = opened.generate(MASK, 2).x
            assert made.tolist() == [[[0, 8], [16, 16]]] * 2
            with pytest.raises(errors.TaskUnavailable, match="draws no masks"):
                opened.generate(n=1)

    def test_counts_errors_on_known_places(self, bundle: Path, tmp_path: Path) -> None:
        x = np.random.default_rng(0).integers(0, 17, (5, 4, 6), np.uint8)
        with model.load(bundle) as opened:
            y = opened.predict(x)
            y[0, 0] = 255
            np.savez(tmp_path / "rows.npz", x=x, y=y)
            read = labelled.read(tmp_path / "rows.npz", opened.space.traits.unknown)
            assert labelled.error(opened, *read) == 0
