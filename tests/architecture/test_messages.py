"""The laws of what users read: every message and every help text is plain English."""

import re
from collections.abc import Iterator

import pytest
import typer
from architecture import messages

from ssdgm_export import cli

INSTEAD = {
    r"(?<!here )\bis no (?!longer|more)": "is not a",
    r"^it, to\b": "NAME is needed to",
    r"\bpassed over\b": "ignored",
    r"\bstands? over\b": "overrides",
    r"\b(?:is|are) told\b": "is reported",
    r"\blies? (?:in|inside|beside|at|there|below)\b": "is in, is next to",
    r"\bbeside\b": "next to",
    r"\bremed(?:y|ies)\b": "fix",
    r"\bworkshop\b": "training install",
    r"\btruth values?\b": "boolean",
    r"\brivals?\b": "baseline",
    r"\b(?:the|its|no|a) head\b": "header",
    r"\b(?:one|characters|bits|rows|lines|calls) an? (?!time)\w": "per",
}
"""Words that no message has, and what to write instead."""

NAME = re.compile(r"""["'{(<-]|[\w/]*[/_.{\[]|(?!there\b)[a-z]+ (?:is|are|has)\b""")
"""How a message may begin besides a capital: the name of an option, a file or a value."""

MESSAGES = messages.messages(messages.sources())
HELPS = list(messages.helps(typer.main.get_command(cli.app), "ssdgm-export"))


def words(text: str) -> Iterator[str]:
    """What is wrong with the words of a text."""
    for pattern, better in INSTEAD.items():
        if found := re.search(pattern, text):
            yield f"{found[0]!r}, write {better!r}"


def wrong(message: messages.Message) -> list[str]:
    """What is wrong with a message."""
    faults = [f for text in (message.found, message.expected, message.mend) for f in words(text)]
    if not (message.found[:1].isupper() or NAME.match(message.found)):
        faults.append("it begins with neither a capital nor a name")
    line = ": " in message.mend or not message.mend[:1].isupper()  # to be copied
    ends = [text.endswith((".", "?", "}")) for text in message.mend.split(" | ") if text]
    if not (line or all(ends)):
        faults.append("what to do is not a whole sentence")
    return faults


def test_no_message_breaks_a_law() -> None:
    shown = [f"{m.module}:{m.line}: {m}\n    {'; '.join(wrong(m))}" for m in MESSAGES if wrong(m)]
    assert not shown, "\n".join(shown)


def test_the_messages_are_found() -> None:
    assert len(MESSAGES) > 300
    assert {message.kind for message in MESSAGES} >= {"InputError", "RunError", "ParityError"}


@pytest.mark.parametrize(("place", "text"), HELPS, ids=[place for place, _ in HELPS])
def test_a_help_text_is_a_sentence(place: str, text: str) -> None:
    assert not list(words(text))
    assert text[0].isupper()
    assert text.endswith((".", "]"))


BAD = {
    "a word": ("DataError", "x.npy is no array", "", ""),
    "a small letter": ("DataError", "there is no file x", "", "Check the spelling."),
    "no full stop": ("DataError", "There is no file x", "", "Check the spelling"),
}
GOOD = {
    "a fix": ("DataError", "There is no file {place}", "", "Check the spelling."),
    "a name": ("InputError", "x is {got}", "float32 [n, 3]", "x.astype(np.float32)"),
    "a command": ("MissingExtra", "Images need Pillow", "", "Install it with: pip install pillow"),
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
def test_a_bad_message_is_seen(fields: tuple[str, ...]) -> None:
    assert len(wrong(messages.Message("m", 1, *fields))) == 1


@pytest.mark.parametrize("fields", GOOD.values(), ids=GOOD)
def test_a_good_message_passes(fields: tuple[str, ...]) -> None:
    assert not wrong(messages.Message("m", 1, *fields))
