"""The recipes that ship: TOML files beside this one, found by name; and how a recipe is read.

A recipe may name another as its `base`, a file beside it or one that ships: its own settings are
laid over those. Its table `for`, see `recommended.Purpose`, is not a setting: it says which rows
a recipe that ships is recommended for, and is a base to another recipe's `for`, if there is one.
"""

import os
import tomllib
from pathlib import Path

from ssdgm_train.settings import RecipeError, Table

SHELF = Path(__file__).parent
SUFFIX = ".toml"
NONE = "none"
"""The name of no recipe: the method's bare settings."""

FOR = "for"


def names() -> list[str]:
    """The recipes that ship."""
    return sorted(path.name.removesuffix(SUFFIX) for path in SHELF.glob(f"*{SUFFIX}"))


def purpose(name: str) -> Table | None:
    """What a recipe says that it is for; None if it says nothing."""
    return _read(_find(Path(name), Path()), ()).get(FOR)


def read(name: str | Path) -> Table:
    """A recipe's document, with its bases under it.

    Args:
        name: A file, the name of a recipe that ships, or `NONE`.

    Raises:
        RecipeError: There is none, it is not TOML, or its bases lead in a circle.
    """
    table = {} if name == NONE else _read(_find(Path(name), Path()), ())
    table.pop(FOR, None)
    return table


def _read(path: Path, above: tuple[Path, ...]) -> Table:
    if path in above:
        raise RecipeError(f"The base of {above[-1]} leads back to {path}", "bases that end")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(names())
        raise RecipeError(
            f"No recipe is at {path}", f"a TOML file, {NONE}, or one of {known}"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RecipeError(f"{path} is not a TOML file ({error})", "valid TOML") from None
    base = table.pop("base", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise RecipeError(f"The base of {path} is {base!r}", "the name of a recipe")
    under = _read(_find(Path(base), path.parent), (*above, path))
    if FOR not in table:
        under.pop(FOR, None)
    return _over(under, table)


def _find(path: Path, folder: Path) -> Path:
    """A file, else the recipe that ships under this name."""
    place = folder / path
    shipped = SHELF / f"{path.name}{SUFFIX}"
    bare = path.name == str(path)
    file = shipped if bare and not place.is_file() and shipped.is_file() else place
    return Path(os.path.abspath(file))  # `resolve` raises for a name with a NUL


def _over(under: Table, table: Table) -> Table:
    """Settings laid over others, table by table."""
    merged = dict(under)
    for key, value in table.items():
        former = merged.get(key)
        both = isinstance(value, dict) and isinstance(former, dict)
        merged[key] = _over(former, value) if both else value  # type: ignore[arg-type]
    return merged
