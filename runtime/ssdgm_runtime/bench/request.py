"""What to measure, as a command line says it and as values that were checked."""

import os
from dataclasses import dataclass, field

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bench import backends, load

PathLike = str | os.PathLike[str]

BATCHES = (1, 8, 64, 256)
SECONDS, COLD = 0.5, 5
ALL = "all"
_DIGITS = 18
_MOST_ROWS, _MOST_CALLERS, _MOST_STARTS, _MOST_REQUESTS = 1 << 16, 256, 100, 1_000_000


@dataclass(frozen=True)
class Request:
    """What to measure: every combination of these.

    Attributes:
        batches: Rows a call.
        threads: Sizes of a session's pool; None for the default of `Model`.
        providers: Words for providers, as for `Model`.
        variants: Words for variants, as for `Model`; `all` for each that fits the provider.
        components: The graphs; all, if none is named.
        concurrency: How many callers there are.
        arrival: When calls come.
        batcher: Let classify's calls of one row go through `Model.batcher`.
        against: Backends to measure beside the model.
        seconds: How long a cell is measured, all that is measured in it together.
        cold: How many fresh processes are started, of each kind.
        rows: Labelled rows, as of `labelled.read`.
        allow_partial: As for `Model`.

    Raises:
        InputError: A value is out of its bounds, or two do not go together.
    """

    batches: tuple[int, ...] = BATCHES
    threads: tuple[int | None, ...] = (None,)
    providers: tuple[str, ...] = ("auto",)
    variants: tuple[str, ...] = ("auto",)
    components: tuple[str, ...] = ()
    concurrency: tuple[int, ...] = (1,)
    arrival: load.Arrival = field(default_factory=load.Arrival)
    batcher: bool = False
    against: tuple[str, ...] = (backends.RAW,)
    seconds: float = SECONDS
    cold: int = COLD
    rows: PathLike | None = None
    allow_partial: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        for batch in self.batches:
            arguments.count(batch, "batch", 1, _MOST_ROWS)
        for callers in self.concurrency:
            arguments.count(callers, "concurrency", 1, _MOST_CALLERS)
        arguments.positive(self.seconds, "seconds")
        arguments.count(self.cold, "cold", 0, _MOST_STARTS)
        if self.arrival.rate * self.seconds > _MOST_REQUESTS:
            got = f"{self.arrival} for {self.seconds:g} seconds"
            raise errors.InputError("arrival", got, f"at most {_MOST_REQUESTS} requests")
        if self.batcher and (self.batches != (1,) or self.components != ("classifier",)):
            example = "--batcher --batch 1 --component classifier --concurrency 16"
            want = "single rows for the classifier, from many callers"
            raise errors.InputError("--batcher", "set for other calls", want, example)


def parse(
    *,
    batch: str | None = None,
    threads: str | None = None,
    provider: str = "auto",
    variant: str = "auto",
    component: str | None = None,
    concurrency: str = "1",
    arrival: str = load.CLOSED,
    batcher: bool = False,
    against: str = backends.RAW,
    seconds: float = SECONDS,
    cold: int = COLD,
    rows: PathLike | None = None,
    allow_partial: bool = False,
) -> Request:
    """A request from a command line's words; errors as of `Request`."""
    graphs = "classifier" if batcher and component is None else component
    alone = "1" if batcher else ",".join(map(str, BATCHES))
    return Request(
        batches=sizes(batch or alone),
        threads=sizes(threads, "--threads") if threads else (None,),
        providers=_words(provider, "--provider"),
        variants=_words(variant, "--variant"),
        components=_words(graphs, "--component") if graphs else (),
        concurrency=sizes(concurrency, "--concurrency"),
        arrival=_arrival(arrival),
        batcher=batcher,
        against=_words(against, "--against"),
        seconds=seconds,
        cold=cold,
        rows=rows,
        allow_partial=allow_partial,
    )


def sizes(text: str, name: str = "--batch") -> tuple[int, ...]:
    """Read sizes as a command line has them, such as "1,8,64"; `name` is the option's.

    Raises:
        InputError: They are not whole numbers with commas.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) <= _DIGITS for word in words):
        want = "whole numbers separated by commas, such as 1,8,64"
        raise errors.InputError(name, arguments.shown(text), want)
    return tuple(dict.fromkeys(int(word) for word in words))


def _words(text: str, name: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    if not all(words):
        raise errors.InputError(name, arguments.shown(text), "words separated by commas")
    return words


def _arrival(text: str) -> load.Arrival:
    kind, _, rate = text.partition(":")
    if text == load.CLOSED:
        return load.Arrival()
    try:
        arrival = load.Arrival(kind, arguments.positive(float(rate), "--arrival"))
    except ValueError:
        arrival = load.Arrival("")
    if arrival.kind not in (load.POISSON, load.UNIFORM):
        want = "closed, poisson:RATE or uniform:RATE with calls per second, such as poisson:200"
        raise errors.InputError("--arrival", arguments.shown(text), want)
    return arrival
