"""Text on a terminal: written safely, in columns."""

import contextlib
import os
from collections.abc import Sequence
from typing import IO, Any

Json = dict[str, Any]


def say(text: str, stream: IO[str] | None, *, sure: bool = True) -> None:
    """Write a text and a newline; quietly nothing where nobody reads, as with `head` or `>&-`.

    What the stream's encoding lacks is written as an escape. After a failure the descriptor is
    led to nowhere, or Python would complain of it as the program ends.

    Args:
        text: The text.
        stream: Where to; None is what Python has for a closed descriptor.
        sure: Raise what goes wrong; without it, as when telling of a failure, nothing is raised.

    Raises:
        OSError: It cannot be written, as on a full disk.
    """
    if stream is None or stream.closed:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    plain = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(f"{plain}\n")
        stream.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            _divert(stream)
        if sure and not isinstance(error, BrokenPipeError):
            raise


def plain(text: str) -> str:
    """A text whose control characters, which a terminal would obey, are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def lines(text: str) -> str:
    """As `plain`, with the line breaks kept."""
    return "\n".join(map(plain, text.split("\n")))


def _divert(stream: IO[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def table(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Columns padded to their widest cell, numbers to the right."""
    texts = [tuple(plain(str(c)) for c in row) for row in ([header, *rows] if header else rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(cells, widths, right) for cells in texts)


def fields(values: Json) -> str:
    """One line a field: its name and its value."""
    return table([(name, str(value)) for name, value in values.items()])


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    pairs = zip(cells, widths, right, strict=True)
    return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in pairs).rstrip()
