"""The page on errors has every class as it is, and messages that the code really gives."""

import re
from collections.abc import Iterator
from pathlib import Path

import message_pages
import numpy as np
import packages
import pytest
from architecture import messages

import ssdgm_export
import ssdgm_runtime
from ssdgm_export import cli
from ssdgm_export.deploy import hub
from ssdgm_export.lite import program
from ssdgm_runtime.errors import SsdgmError

PAGE = (packages.ROOT / "docs/errors.md").read_text(encoding="utf-8")
BUNDLE = packages.ROOT / "tests/golden/m2-tiny.ssdgm"
SECTIONS = dict(re.findall(r"^##+ (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
BLANK = message_pages.BLANK
MESSAGES = messages.messages(messages.sources())


def family(root: type[SsdgmError]) -> Iterator[type[SsdgmError]]:
    """A class of errors and all below it."""
    yield root
    for below in root.__subclasses__():
        yield from family(below)


def classes() -> dict[str, type[SsdgmError]]:
    assert ssdgm_export.convert, (hub.push, program.program)  # imports what raises errors
    return {c.__name__: c for c in family(SsdgmError) if c.__module__.startswith("ssdgm_")}


NAMES = sorted(messages.family(messages.sources().values()))


def test_every_class_has_a_section() -> None:
    assert {*NAMES} == {*classes()}
    assert {*NAMES} == {n for n in SECTIONS if n in classes() or n.endswith("Error")}


@pytest.mark.parametrize("name", NAMES)
def test_a_section_says_what_else_the_error_is_and_its_exit_code(name: str) -> None:
    kind, text = classes()[name], SECTIONS[name]
    line = re.search(r"^\*(.+?)\*", text, re.MULTILINE)
    assert line
    also = {*re.findall(r"`(\w+)`", line[1])}
    assert also == {base.__name__ for base in kind.__bases__} - {"SsdgmError"}
    code = re.search(r"exit code (\d)", text.partition("\n> ")[0])
    assert kind.exit_code == (int(code[1]) if code else 2)
    for shown in (1, 3):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| {shown} |"))
        assert (f"`{name}`" in row) == (kind.exit_code == shown)


def said(name: str) -> list[str]:
    """The messages that a section quotes."""
    return [line[2:] for line in SECTIONS[name].splitlines() if line.startswith("> ")]


def shape(*parts: str) -> re.Pattern[str]:
    """A message with anything where it fills something in; nothing, if it has no words itself."""
    text = message_pages.shape(str(SsdgmError(*parts)))
    says = re.search(r"[a-z]{3}", text.replace("; expected ", "")) or parts[1]
    return re.compile(
        re.escape(text).replace(f"A{BLANK}", ".*").replace(BLANK, ".*") if says else ""
    )


def shapes(name: str) -> Iterator[re.Pattern[str]]:
    """What the messages of a class look like, with anything where they fill something in."""
    for one in MESSAGES:
        if one.kind == name:
            for each in message_pages.variants(one):
                yield shape(each.found, each.expected, each.mend)
                if each.mend.startswith("{") or (each.mend and name == "InputError"):
                    yield shape(each.found, each.expected, f"A{BLANK}")  # a sentence, or a line
                    yield shape(each.found, each.expected, BLANK)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("SsdgmError", "BundleError")])
def test_what_a_section_quotes_is_a_message_of_its_class(name: str) -> None:
    assert said(name)
    for text in said(name):
        assert any(one.fullmatch(text) for one in shapes(name)), text


def test_a_message_that_no_code_gives_is_seen() -> None:
    for text in ("There is no bundle. Look for it.", "", "There is no bundle at x. Look for it."):
        assert not any(one.fullmatch(text) for one in shapes("BundleNotFound"))


def raised(path: Path) -> Iterator[SsdgmError]:
    """Errors of calls that go wrong, in a folder with a bundle."""
    model = ssdgm_runtime.load(BUNDLE)
    calls = (
        lambda: ssdgm_runtime.load("digits.ssdgm"),
        lambda: ssdgm_runtime.load("rows"),
        lambda: model.classify(np.zeros((3, 64))),
        lambda: model.score(np.zeros((3, 8, 8), np.uint8)),
        lambda: model.classify("rows.npy"),
    )
    (path / "rows").mkdir()
    for call in calls:
        with pytest.raises(SsdgmError) as caught:
            call()
        yield caught.value


def test_the_quoted_messages_are_those_that_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    errors = list(raised(tmp_path))
    (tmp_path / "rows.npy").write_bytes(b"x")
    with pytest.raises(SsdgmError) as caught:
        ssdgm_runtime.load(BUNDLE).classify("rows.npy")
    for error in (*errors, caught.value):
        assert str(error).replace(f"{tmp_path}/", "") in said(type(error).__name__)


def test_the_command_line_says_what_the_page_quotes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["train"]) == 2
    assert capsys.readouterr().err.strip() == f"error: {said('UsageError')[0]}"
    out = str(tmp_path / "run")
    words = ["--method", "ladder", "--set", "model.network=conv", "--labels", "100", "--out", out]
    assert cli.run(["train", "digits", *words]) == 2
    assert capsys.readouterr().err.strip() == f"error: {said('RecipeError')[0]}"


def test_every_message_of_the_code_is_listed() -> None:
    (page,) = message_pages.pages().values()
    assert page.count("<li>") > 300
    for name in {one.kind for one in MESSAGES}:
        assert f"\n## {name}\n" in page
