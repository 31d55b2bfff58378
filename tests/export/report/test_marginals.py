"""Reports of rows that are columns: what is drawn beside what was given."""

import cases
import exported
import numpy as np
import pytest

from ssdgm_export.report import marginals, material

KINDS = ["columns-float32", "gaussian-float32"]


@pytest.mark.parametrize(("name", "kind"), [("m2", KINDS[0]), ("m1", KINDS[1])])
def test_columns_are_drawn_beside_those_of_training(
    tmp_path_factory: pytest.TempPathFactory, name: str, kind: str
) -> None:
    run = exported.folder(tmp_path_factory, name, kind) / "run"
    found = material.gather(run, None)
    assert found.drawn is not None
    assert found.drawn.shape == (material.ROWS, *cases.KINDS[kind].shape)
    again = material.gather(run, None)
    np.testing.assert_array_equal(again.drawn, found.drawn)
    (plate,) = marginals.of(found)
    assert plate.png.startswith(b"\x89PNG")
    assert "1000 rows drawn" in plate.caption


def test_categories_are_codes_of_the_column(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = exported.folder(tmp_path_factory, "m2", "columns-float32") / "run"
    drawn = material.gather(run, None).drawn
    assert drawn is not None
    assert set(np.unique(drawn[:, 3])) <= {0.0, 1.0, 2.0}
    assert set(np.unique(drawn[:, 4])) <= {0.0, 1.0}


@pytest.mark.parametrize(("name", "kind"), [("m2", "bernoulli-uint8"), ("supervised", KINDS[0])])
def test_images_and_classifiers_have_no_such_plate(
    tmp_path_factory: pytest.TempPathFactory, name: str, kind: str
) -> None:
    run = exported.folder(tmp_path_factory, name, kind) / "run"
    assert marginals.of(material.gather(run, None)) == []
