"""Every message of every error, read out of the source, as a page to search."""

import html
import re
from itertools import groupby

from architecture import messages

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
    every = sorted({(one.kind, shape(str(one))) for one in messages.messages(messages.sources())})
    parts = [ABOUT]
    for kind, several in groupby(every, key=lambda pair: pair[0]):
        lines = (f"<li>{html.escape(text)}</li>" for _, text in several if _says(text))
        parts.append(f"## {kind}\n\n[What it means](errors.md#{kind.lower()}).\n")
        parts.append("\n".join(('<ul class="messages">', *lines, "</ul>\n")))
    return {"messages.md": "\n".join(parts)}


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
