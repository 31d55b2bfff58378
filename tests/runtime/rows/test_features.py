"""Rows whose values have names, though they are no table's: read by name, or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from ssdgm_runtime import errors, load
from ssdgm_runtime.console import commands

NAMES = [f"f{i}" for i in range(16)]
ROWS = np.random.default_rng(3).integers(0, 17, (5, 4, 4)).astype(np.uint8)
ORDER = np.random.default_rng(4).permutation(16)
Edit = Callable[[Callable[[dict[str, Any]], None]], Path]
Array = NDArray[Any]


@pytest.fixture
def named(edit: Edit) -> Path:
    """A bundle of rows [4, 4] uint8 whose values have names."""

    def change(document: dict[str, Any]) -> None:
        document["additional_metadata"]["ssdgm"]["features"] = NAMES

    return edit(change)


def frame(x: Array) -> pd.DataFrame:
    """The rows under their names, in another order, beside a column that nobody asks for."""
    return pd.DataFrame(x.reshape(len(x), 16), columns=NAMES).iloc[:, ORDER].assign(other="a")


FORMS: dict[str, Callable[[Array], Any]] = {
    "pandas": frame,
    "arrow": lambda x: pa.Table.from_pandas(frame(x)),
    "dict": lambda x: frame(x).to_dict("list"),
    "structured": lambda x: frame(x).drop(columns="other").to_records(index=False),
    "plain structured": lambda x: np.asarray(
        frame(x).drop(columns="other").to_records(index=False)
    ),
    "floats": lambda x: frame(x).drop(columns="other").astype(float),
}


@pytest.mark.parametrize("form", FORMS)
def test_values_are_read_by_their_names_whatever_their_order(named: Path, form: str) -> None:
    with load(named) as opened:
        wanted = opened.predict_proba(ROWS)
        assert (opened.predict_proba(FORMS[form](ROWS)) == wanted).all()
        assert (opened.encode(FORMS[form](ROWS)).mean == opened.encode(ROWS).mean).all()


def test_an_array_is_read_by_position_as_before(named: Path) -> None:
    with load(named) as opened:
        assert len(opened.classify(ROWS)) == 5
        assert len(opened.classify(ROWS.tolist() and list(ROWS))) == 5


def test_a_frame_that_lacks_a_name_is_refused(named: Path) -> None:
    with load(named) as opened, pytest.raises(errors.InputError, match="without the column 'f3'"):
        opened.classify(frame(ROWS).drop(columns="f3"))


@pytest.mark.parametrize("form", FORMS)
def test_a_bundle_without_names_refuses_named_values(bundle: Path, form: str) -> None:
    with load(bundle) as opened, pytest.raises(errors.InputError, match="named columns") as caught:
        opened.classify(FORMS[form](ROWS))
    assert "x.to_numpy()" in caught.value.mend


def test_values_that_the_dtype_cannot_hold_are_refused(named: Path) -> None:
    odd = frame(ROWS).drop(columns="other").astype(float)
    odd.loc[2, "f3"] = 1.5
    with load(named) as opened:
        with pytest.raises(errors.InputError, match="uint8"):
            opened.classify(odd)
        odd.loc[2, "f3"] = np.nan
        with pytest.raises(errors.InputError, match="uint8"):
            opened.classify(odd)


def test_a_table_file_is_read_by_name(named: Path, tmp_path: Path) -> None:
    frame(ROWS).to_csv(tmp_path / "rows.csv", index=False)
    found = commands.classify(named, tmp_path / "rows.csv")["predictions"]
    with load(named) as opened:
        assert [record["label"] for record in found] == opened.classify(ROWS).labels.tolist()


@pytest.mark.parametrize(
    "features",
    [NAMES[:-1], [*NAMES, "more"], [*NAMES[:-1], "f0"], "f0", [*NAMES[:-1], 3]],
)
def test_a_manifest_with_other_names_is_refused(edit: Edit, features: object) -> None:
    def change(document: dict[str, Any]) -> None:
        document["additional_metadata"]["ssdgm"]["features"] = features

    with pytest.raises(errors.FormatError):
        load(edit(change))
