"""Examples in docstrings run and give what they say."""

import doctest
import importlib

import packages
import pytest

MODULES = [
    name
    for name, path in packages.modules().items()
    if ">>>" in path.read_text(encoding="utf-8") and not name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


def test_there_are_examples_that_run() -> None:
    tried = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(tried) >= 5
