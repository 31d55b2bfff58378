"""Rows of tables beside the words that their files have."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime.readers import raw
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_runtime.rows.row import Row

KNOWN = (
    columns.Column("a", range=(0.0, 1.0)),
    columns.Column("c", columns.CATEGORY, ("x", "y")),
    columns.Column("d", columns.CATEGORY, ("x", "y")),
)
FILES = {
    "t.csv": "a,c,d\n0.5,mauve,x\n9,y,\n",
    "t.jsonl": "\n".join(
        json.dumps(row) for row in ({"a": 0.5, "c": "mauve", "d": "x"}, {"a": 9, "c": "y"})
    ),
}


@pytest.mark.parametrize("name", list(FILES))
def test_unknown_words_of_a_file_are_told_and_no_others(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name])
    with pytest.warns(DriftWarning) as caught:
        x = raw.rows(path, Row((3,), "float32", KNOWN))
    np.testing.assert_array_equal(x, np.array([[0.5, -1, 0], [9, 1, -1]], np.float32))
    assert len(caught) == 1
    assert "'c' has unknown categories in 50% of the rows (such as 'mauve')" in str(
        caught[0].message
    )
    assert "'d'" not in str(caught[0].message)
    assert caught[0].filename == __file__


def test_missing_words_and_files_without_words_are_not(tmp_path: Path) -> None:
    csv, npy = tmp_path / "t.csv", tmp_path / "t.npy"
    csv.write_text("a,c,d\n0.5,NA,x\n1,y,\n")
    np.save(npy, np.array([[0.5, -1, 0]], np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw.rows(csv, Row((3,), "float32", KNOWN))
        raw.rows(npy, Row((3,), "float32", KNOWN))
