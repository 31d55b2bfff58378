"""The errors a caller can meet: what was found, what was expected, and how to fix it.

Every error is an `SsdgmError` and also the built-in error a Python programmer would catch for it.
`exit_code` is what the command lines return: 1 a check that failed, 2 bad input or a damaged
bundle, 3 a missing engine, provider or extra.
"""

import os
import shlex
from typing import ClassVar

_LONG = 1200


def command(*words: str | os.PathLike[str]) -> str:
    """A command line that a shell reads as these words, for messages to show.

    Example:
        >>> command("ssdgm-export", "report", "runs/a b")
        "ssdgm-export report 'runs/a b'"
    """
    return shlex.join(str(word) for word in words)


class SsdgmError(Exception):
    """The root of the family.

    Args:
        found: What was found, as the beginning of a sentence.
        expected: The value that was expected instead; empty where that says nothing new.
        mend: How to fix it: a sentence, or a line to write or to run, which begins in lower
            case; may be empty.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, found: str, expected: str = "", mend: str = "") -> None:
        Exception.__init__(self, found, expected, mend)
        self.found, self.expected, self.mend = found, expected, mend

    def __str__(self) -> str:
        """The whole message on one line.

        Example:
            >>> str(SsdgmError("x is empty", "at least one row", "Add a row."))
            'x is empty; expected at least one row. Add a row.'
            >>> str(SsdgmError("Reading images needs Pillow", mend="pip install pillow"))
            'Reading images needs Pillow: pip install pillow'
        """
        wanted = f"; expected {_cut(self.expected)}" if self.expected else ""
        sentence = f"{_cut(self.found)}{wanted}"
        if not self.mend:
            return sentence
        if self.mend[0].isupper():
            return f"{sentence.rstrip('.')}. {self.mend}"
        return f"{sentence}. Try: {self.mend}" if wanted else f"{sentence}: {self.mend}"


def _cut(text: str) -> str:
    """A part of a message without the middle of names that fill a screen."""
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]} ... {text[-_LONG // 2 :]}"


class BundleError(SsdgmError, ValueError):
    """A bundle that cannot be used."""


class BundleNotFound(BundleError, FileNotFoundError):
    """There is nothing at the path given."""


class FormatError(BundleError):
    """The manifest or the layout is not that of a bundle."""


class IntegrityError(BundleError):
    """A file is missing, unlisted, unsafe or differs from its digest."""


class Untrusted(BundleError):
    """The bundle is not signed as it must be, or is revoked."""

    exit_code: ClassVar[int] = 1


class UnsupportedVersion(BundleError):
    """The bundle has a format that this reader does not know."""


class TaskUnavailable(SsdgmError, LookupError):
    """The bundle has no graph for what was asked."""


class InputError(SsdgmError, ValueError):
    """An argument that the model cannot take.

    Args:
        name: The argument's name.
        got: What it was.
        want: What it should have been.
        hint: The line to write instead.
    """

    def __init__(self, name: str, got: str, want: str, hint: str = "") -> None:
        super().__init__(f"{name} is {got}", want, hint)
        self.name, self.got, self.want, self.hint = name, got, want, hint
        self.args = (name, got, want, hint)


class UsageError(SsdgmError, ValueError):
    """A command line with an unknown command, option or value."""


class DataError(SsdgmError, ValueError):
    """A file or array of data that cannot be used."""


class DataNotFound(DataError, FileNotFoundError):
    """There is no data at the path given."""


class OutputExists(SsdgmError, FileExistsError):
    """Something is already there, and nothing a user had is overwritten."""


class Busy(SsdgmError, TimeoutError):
    """The queue of rows stayed full for the time given."""


class EngineError(SsdgmError, RuntimeError):
    """The engine failed while it ran a graph."""


class DeadlineExceeded(SsdgmError, TimeoutError):
    """A graph took longer than it was given."""


class OutOfMemory(SsdgmError, MemoryError):
    """A graph, or a step of training, wanted more memory than there is or than it was given."""


class WriteFailed(SsdgmError, OSError):
    """The system could not write a file or folder: the disk is full, or broken."""


class NotWritable(SsdgmError, PermissionError):
    """A folder in which nothing can be written."""


class ProviderUnavailable(SsdgmError, RuntimeError):
    """An execution provider was named and cannot be used."""

    exit_code: ClassVar[int] = 3


class MissingEngine(SsdgmError, ImportError):
    """No onnxruntime is installed."""

    exit_code: ClassVar[int] = 3


class MissingExtra(SsdgmError, ImportError):
    """An optional dependency is not installed."""

    exit_code: ClassVar[int] = 3
