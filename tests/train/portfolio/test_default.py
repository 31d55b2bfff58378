"""When recipes are compared: where it is asked for, or where nothing says what to train."""

import pytest

from ssdgm_train.portfolio import default

SAID: dict[str, tuple[str | None, tuple[object, ...], tuple[str, ...], bool]] = {
    "nothing": (None, (None, None), (), True),
    "a setting": (None, (None,), ("train.steps=3", "data.label=method"), True),
    "auto": ("auto", (None,), (), True),
    "auto and a recipe, which is another's error": ("auto", ("a.toml",), (), True),
    "a method": ("m2", (None,), (), False),
    "a recipe": (None, ("none", None), (), False),
    "a trained model": (None, (None, "runs/m1"), (), False),
    "a setting that names a method": (None, (None,), ("train.steps=3", " method = m1"), False),
}


@pytest.mark.parametrize(("method", "others", "changes", "wanted"), SAID.values(), ids=SAID)
def test_recipes_are_compared_where_nothing_says_what_to_train(
    method: str | None, others: tuple[object, ...], changes: tuple[str, ...], wanted: bool
) -> None:
    assert default.compared(method, others, changes) is wanted
