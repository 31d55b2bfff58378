"""What a command is: a function, its options, and how its result is shown.

A command is a value, so that several command lines can be built from the same ones: `__main__`
makes an argparse parser of them, ssdgm-export registers them next to its own.
"""

import keyword
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssdgm_runtime.rows.drift import DriftWarning

if TYPE_CHECKING:
    from ssdgm_runtime.bench import backends, report

Json = dict[str, Any]

REQUIRED: Any = ...
"""The default of an option that must be given."""


@dataclass(frozen=True)
class Option:
    """An option of a command, or an argument.

    Attributes:
        flag: Such as "--out"; an argument has a name in capitals, such as "BUNDLE".
        help: What it is for, as a sentence.
        type: The type of its value; bool for a flag that takes none.
        default: Its value where it is not given.
        short: A second flag, such as "-o".
        metavar: What stands for its value in the help.
        repeatable: Its value is a list with an entry each time it is given, or None.
    """

    flag: str
    help: str
    type: type = str
    default: Any = None
    short: str = ""
    metavar: str | None = None
    repeatable: bool = False

    @property
    def name(self) -> str:
        """The name of its value, which is not a keyword of Python."""
        name = self.flag.strip("-").replace("-", "_").lower()
        return f"{name}_" if keyword.iskeyword(name) else name

    @property
    def flags(self) -> tuple[str, ...]:
        """All its flags; none for an argument."""
        return tuple(flag for flag in (self.short, self.flag) if flag.startswith("-"))


@dataclass(frozen=True)
class Host:
    """What a command line lends to its commands; that of the runtime has nothing to lend.

    Attributes:
        openers: Gives the engines that need the run at a path.
        drawer: Gives a function from a report to the bytes of its picture.
        watch: Is called with the steps done, the number of steps, and what was measured.
    """

    openers: "Callable[[Path], Mapping[str, backends.Opener]] | None" = None
    drawer: Callable[[], Callable[[Json], bytes]] | None = None
    watch: "report.Watch | None" = None


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        function: Takes a host and the value of each option; its result is JSON-ready. Its name
            is the command's, its docstring the help.
        show: The result as lines for people.
        options: The options and arguments, in the order of the help.
        progress: Whether it reports its progress to `Host.watch`.
        notes: What there is to say beside the result, in lines for standard error.
    """

    function: Callable[..., Json]
    show: Callable[[Json], str]
    options: tuple[Option, ...] = ()
    progress: bool = False
    notes: Callable[[Json], list[str]] = lambda table: []

    @property
    def name(self) -> str:
        """The word for it."""
        return self.function.__name__

    @property
    def help(self) -> str:
        """What it does, as a sentence."""
        return str(self.function.__doc__)

    def run(self, values: Mapping[str, Any], host: Host) -> Json:
        """Run it on the values of its options; others are ignored."""
        given = {option.name: values[option.name] for option in self.options}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DriftWarning)  # commands have notes for that
            return self.function(host, **given)
