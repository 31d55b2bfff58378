"""Slips of the hand on the command line: what was meant is said where it is known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "page"),
    [
        (("classify", "a.ssdgm"), "ssdgm-export classify"),
        (("data", "inspect"), "ssdgm-export data inspect"),
        (("train", "--nope"), "ssdgm-export train"),
        (("nonsense",), "ssdgm-export"),
    ],
)
def test_a_usage_error_points_to_the_page_of_its_command(
    words: tuple[str, ...], page: str, tmp_path: Path, refused: Refused
) -> None:
    assert refused(tmp_path, *words)["mend"] in (f"See {page} --help.", "")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("train", "rows.csv", "--label", "a", "--label", "b"), "--label"),
        (("convert", "run", "-o", "a.ssdgm", "--out", "b.ssdgm"), "--out"),
        (("data", "inspect", "digits", "--labels", "3", "--labels", "4"), "--labels"),
        (("classify", "a.ssdgm", "x.npy", "--top", "1", "--top", "2"), "--top"),
    ],
)
def test_an_option_that_is_given_twice_is_not_half_forgotten(
    words: tuple[str, ...], option: str, tmp_path: Path, refused: Refused
) -> None:
    assert refused(tmp_path, *words)["found"] == f"{option} is given twice"


def test_a_recipe_of_a_large_set_on_a_small_one_says_what_is_too_many(
    tmp_path: Path, refused: Refused
) -> None:
    words = ("train", "digits", "--recipe", "paper-m2-100", "--labels", 100, "--out")
    mend = refused(tmp_path, *words, tmp_path / "run")["mend"]
    assert mend.endswith("--set data.validation=0.1")
