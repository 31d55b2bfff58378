"""The navigation of the site: what mkdocs.yml says, completed."""

from collections.abc import Iterable, Iterator
from typing import Any

METHODS = "methods/"
"""What stands for the pages of the methods in mkdocs.yml."""

MORE = "More"


def whole(nav: list[Any], methods: list[str], pages: Iterable[str]) -> list[Any]:
    """The navigation with a page for each method, and with every page somewhere.

    Args:
        nav: As mkdocs.yml has it.
        methods: The pages of the methods.
        pages: Pages that have to be found; those that no section has yet come at the end.
    """
    filled = [_filled(entry, methods) for entry in nav]
    rest = sorted({*pages} - {*named(filled)})
    return [*filled, {MORE: rest}] if rest else filled


def _filled(entry: Any, methods: list[str]) -> Any:  # noqa: ANN401  (of YAML)
    if isinstance(entry, dict) and METHODS in entry.values():
        return {title: methods for title in entry}
    return entry


def named(nav: Any) -> Iterator[str]:  # noqa: ANN401
    """Every page of a navigation."""
    if isinstance(nav, str):
        yield nav
        return
    for part in nav.values() if isinstance(nav, dict) else nav:
        yield from named(part)
