"""Every message of every error, read out of the source, as a page to search."""

import html
import itertools
import re
from collections.abc import Iterator

from architecture import messages

from ssdgm_runtime import errors

COMPUTED = re.compile(r"\{[^{}]*\}")
BLANK = "…"
ABOUT = """\
# Every message

What this project says when something is wrong, class by class; … stands for what a message fills
in. The search above finds a message by its words. [Errors](errors.md) says what each class means
and what to do about it.
"""


def pages() -> dict[str, str]:
    """The page by its path on the site."""
    given = messages.messages(messages.sources())
    every = sorted({(one.kind, shape(str(each))) for one in given for each in variants(one)})
    parts = [ABOUT]
    for kind, several in itertools.groupby(every, key=lambda pair: pair[0]):
        lines = (f"<li>{html.escape(text)}</li>" for _, text in several if _says(text))
        parts.append(f"## {kind}\n\n[What it means](errors.md#{kind.lower()}).\n")
        parts.append("\n".join(('<ul class="messages">', *lines, "</ul>\n")))
    return {"messages.md": "\n".join(parts)}


def variants(message: messages.Message) -> Iterator[errors.SsdgmError]:
    """A message in each of its wordings, where the code chooses among texts."""
    parts = (message.found, message.expected, message.mend)
    for chosen in itertools.product(*(part.split(" | ") for part in parts)):
        yield errors.SsdgmError(*chosen)


def shape(text: str) -> str:
    """A message with a mark for each part that is computed.

    Example:
        >>> shape("There is no file {place}; expected one of {', '.join(names)}")
        'There is no file …; expected one of …'
    """
    while COMPUTED.search(text):
        text = COMPUTED.sub(BLANK, text)
    return text


def _says(text: str) -> bool:
    """Whether a message has words of its own."""
    return bool(re.search(r"[a-z]{3}", text))
