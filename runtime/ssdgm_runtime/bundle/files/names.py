"""Names of a bundle's files."""

from ssdgm_runtime import errors

AGAIN = "Copy the bundle again from where it was made."

FILES = 4096
"""The most files that a bundle may have."""
DEPTH = 32
"""The most folders within folders."""
NAME = 1024
"""The longest relative name, in characters."""
_ODD, _CLIMBING = frozenset('\\:*?"<>|'), frozenset(("", ".", ".."))


def safe(name: str) -> str:
    """Return a relative name that means the same file, inside the bundle, on every system.

    Raises:
        IntegrityError: It is absolute, climbs, or holds a character that some system interprets.
    """
    short = len(name) <= NAME and name.count("/") < DEPTH
    plain = name.isascii() and name.isprintable() and _ODD.isdisjoint(name)
    if not (short and plain and _CLIMBING.isdisjoint(name.split("/"))):
        raise errors.IntegrityError(
            f"The bundle names a file {cut(name)!r}",
            "a relative name inside the bundle, of plain ASCII, with forward slashes",
            "Do not use this bundle unless you know who made it.",
        )
    return name


def cut(name: str) -> str:
    """A name as a message has it, long ones shortened."""
    return name if len(name) <= 120 else f"{name[:100]}... ({len(name)} characters)"


def distinct(names: list[str]) -> None:
    """Refuse two names that are one file where case does not count.

    Raises:
        IntegrityError: There are such names.
    """
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if twin is not name:
            raise errors.IntegrityError(
                f"The bundle has {cut(name)!r} twice (also as {cut(twin)!r})",
                "each name once",
                AGAIN,
            )
