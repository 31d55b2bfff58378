"""manifest.schema.json: bundles fit it, and whatever it refuses the reader refuses too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import manifest

if TYPE_CHECKING:
    import jsonschema

PINNED = Path(__file__).parents[2] / "golden/format-1.0.ssdgm"
GONE = object()
VALUES = (GONE, None, True, -1, 0, 1.5, "", "x", [], ["a", "a"], [1, "b"], [{}], {}, {"a": 1})
"""What every field is replaced by."""


def test_the_bundles_that_are_checked_in_fit(
    data: Path, schema: "jsonschema.Draft202012Validator"
) -> None:
    bundles = [*data.glob("*.ssdgm")]
    assert len(bundles) == 8
    for bundle in bundles:
        schema.validate(json.loads((bundle / "manifest.json").read_text()))


def test_a_manifest_survives_a_round_trip(data: Path) -> None:
    for bundle in data.glob("*.ssdgm"):
        text = (bundle / "manifest.json").read_text()
        assert json.loads(manifest.dumps(manifest.loads(text))) == json.loads(text)


def test_a_manifest_of_format_1_is_written_as_format_2(
    schema: "jsonschema.Draft202012Validator",
) -> None:
    text = (PINNED / "manifest.json").read_text()
    old, about = json.loads(text), manifest.loads(text)
    assert not schema.is_valid(old)
    schema.validate(about.to_json())
    again = manifest.loads(manifest.dumps(about))
    assert (about.format, again.format) == ((1, 0), (2, 0))
    assert again.space == about.space
    assert again.document == about.to_json()
    assert manifest.dumps(again) == manifest.dumps(about)
    ours = old["additional_metadata"]["ssdgm"]
    assert again.section["io"] == ours["io"]
    assert again.section["labels"] == {
        "space": "classes",
        "names": ours["labels"],
        "values": ours["classes"],
        "prior": ours["prior"],
    }


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field and entry of a document."""
    pairs = enumerate(value) if isinstance(value, list) else ()
    for key, inner in value.items() if isinstance(value, dict) else pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(text: str, path: tuple[Any, ...], value: object) -> dict[str, Any]:
    """The document with another value there, or none."""
    document: dict[str, Any] = json.loads(text)
    table: Any = document
    for key in path[:-1]:
        table = table[key]
    if value is GONE:
        del table[path[-1]]
    else:
        table[path[-1]] = value
    return document


def refused(document: object) -> bool:
    try:
        manifest.parse(document)
    except errors.BundleError:
        return True
    return False


@pytest.mark.parametrize("name", ["tiny", "tagged", "measured"])
def test_what_the_schema_refuses_the_reader_refuses(
    data: Path, schema: "jsonschema.Draft202012Validator", name: str
) -> None:
    text, count = (data / f"{name}.ssdgm/manifest.json").read_text(), 0
    whole = json.loads(text)
    del whole["components"]["encoder"], whole["components"]["classifier"]  # as the decoder is
    for path in places(whole):
        for value in VALUES:
            bad = changed(text, path, value)
            if not schema.is_valid(bad):
                count += 1
                assert refused(bad), (path, value)
    assert count > 500
