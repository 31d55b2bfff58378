"""The recipes that ship: TOML files beside this one, found by name; and how a recipe is read.

A recipe may name another as its `base`, a file beside it or one that ships: its own settings are
laid over those.
"""

import os
import tomllib
from pathlib import Path

from ssdgm_train import settings

SHELF = Path(__file__).parent
SUFFIX = ".toml"
KINDS = {"rows": "tables", "table": "tables", "colour": "colour"}
"""What recipes are called that are for rows of a kind, see `Dataset.sort`."""


def names() -> list[str]:
    """The recipes that ship."""
    return sorted(path.name.removesuffix(SUFFIX) for path in SHELF.glob(f"*{SUFFIX}"))


def of_kind(method: str, kind: str) -> str | None:
    """The recipe that ships for a method and what a row is; None, where there is none."""
    name = f"default-{method}-{KINDS.get(kind, '')}"
    return name if name in names() else None


def read(name: str | Path) -> settings.Table:
    """A recipe's document, with its bases under it.

    Args:
        name: A file, or the name of a recipe that ships.

    Raises:
        RecipeError: There is none, it is no TOML, or its bases lead in a circle.
    """
    return _read(_find(Path(name), Path()), ())


def _read(path: Path, above: tuple[Path, ...]) -> settings.Table:
    if path in above:
        raise settings.RecipeError(
            f"the base of {above[-1]} leads back to {path}", "no circle of bases"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(names())
        raise settings.RecipeError(
            f"no recipe at {path}", f"a TOML file, or one of {known}"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise settings.RecipeError(f"{path} is no TOML ({error})", "a TOML file") from None
    base = table.pop("base", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise settings.RecipeError(f"the base of {path} is {base!r}", "the name of a recipe")
    return _over(_read(_find(Path(base), path.parent), (*above, path)), table)


def _find(path: Path, folder: Path) -> Path:
    """A file, else the recipe that ships under this name."""
    place = folder / path
    shipped = SHELF / f"{path.name}{SUFFIX}"
    bare = path.name == str(path)
    found = shipped if bare and not place.is_file() and shipped.is_file() else place
    return Path(os.path.abspath(found))  # `resolve` raises for a name with a NUL


def _over(under: settings.Table, table: settings.Table) -> settings.Table:
    """Settings laid over others, table by table."""
    found = dict(under)
    for key, value in table.items():
        former = found.get(key)
        both = isinstance(value, dict) and isinstance(former, dict)
        found[key] = _over(former, value) if both else value  # type: ignore[arg-type]
    return found
