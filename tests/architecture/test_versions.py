"""Three literal versions that are one, and three distributions that ask for each other's."""

import importlib
import tomllib
from typing import Any

import packages
import pytest
from packaging.requirements import Requirement

PROJECTS = {
    "ssdgm-export": packages.ROOT,
    "ssdgm-train": packages.ROOT / "train",
    "ssdgm-runtime": packages.ROOT / "runtime",
}
NAMES = pytest.mark.parametrize("name", list(PROJECTS))


def project(name: str) -> dict[str, Any]:
    content = (PROJECTS[name] / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(content)["project"]
    return found


@NAMES
def test_a_distribution_has_the_version_of_its_package_and_of_the_others(name: str) -> None:
    version = project("ssdgm-export")["version"]
    assert project(name)["name"] == name
    assert project(name)["version"] == version
    assert importlib.import_module(name.replace("-", "_")).__version__ == version


@NAMES
def test_a_distribution_asks_for_this_very_version_of_the_others(name: str) -> None:
    found = project(name)
    extras = found.get("optional-dependencies", {}).values()
    stated = [Requirement(text) for group in (found["dependencies"], *extras) for text in group]
    house = [r for r in stated if r.name in PROJECTS and (r.specifier or not r.extras)]
    assert {str(r.specifier) for r in house} <= {f"=={found['version']}"}


def test_train_and_export_pin_what_they_stand_on() -> None:
    pin = f"=={project('ssdgm-export')['version']}"
    assert f"ssdgm-runtime{pin}" in project("ssdgm-train")["dependencies"]
    assert f"ssdgm-runtime{pin}" in project("ssdgm-export")["dependencies"]
    assert f"ssdgm-train{pin}" in project("ssdgm-export")["optional-dependencies"]["train"]


@NAMES
def test_no_distribution_names_an_engine_among_what_it_always_needs(name: str) -> None:
    needed = {Requirement(text).name for text in project(name)["dependencies"]}
    assert not needed & {"onnxruntime", "onnxruntime-gpu"}


@NAMES
def test_every_distribution_has_the_same_licence_and_the_same_pythons(name: str) -> None:
    found = project(name)
    assert (found["license"], found["requires-python"]) == ("Apache-2.0", ">=3.11")
    same = (packages.ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (PROJECTS[name] / "LICENSE").read_text(encoding="utf-8") == same
