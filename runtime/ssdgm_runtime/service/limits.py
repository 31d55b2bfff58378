"""What a service takes on at once, and how long anyone waits."""

from dataclasses import dataclass

from ssdgm_runtime import arguments

RETRY_S = 1
"""What a service that has too much to do asks callers to wait, in seconds."""


@dataclass(frozen=True)
class Limits:
    """The limits of a service.

    Attributes:
        body_bytes: The most bytes of a request's body; 413 beyond.
        waiting: The most requests that are answered at the same time; 503 beyond.
        deadline_s: How many seconds a request may take, from its first byte; 504 after that, or
            408 where its body had not come.
        workers: How many requests of several rows are computed at the same time.
        max_batch: The most rows of different requests that are computed together; 1 computes each
            request by itself.
        max_delay_ms: The longest that a row waits for others, in milliseconds; 0 takes those that
            came while the last ones were computed.
        drain_s: How many seconds a service goes on, not ready, after it was told to end.

    Raises:
        InputError: One is not a positive number; the last two may be 0.
    """

    body_bytes: int = 16 << 20
    waiting: int = 256
    deadline_s: float = 10.0
    workers: int = 2
    max_batch: int = 64
    max_delay_ms: float = 0.0
    drain_s: float = 1.0

    def __post_init__(self) -> None:
        for name in ("body_bytes", "waiting", "workers", "max_batch"):
            arguments.count(getattr(self, name), name, 1)
        arguments.positive(self.deadline_s, "deadline_s")
        for name in ("max_delay_ms", "drain_s"):
            if getattr(self, name) != 0:
                arguments.positive(getattr(self, name), name)
