"""Packages that only some commands need."""

import importlib
from typing import Any

from ssdgm_runtime import errors


def package(
    name: str, what: str, install: str, kind: type[errors.SsdgmError] = errors.MissingExtra
) -> Any:  # noqa: ANN401  (they have no stubs of use)
    """Import a package.

    Args:
        name: The package or a module of it.
        what: What needs it, as a sentence begins.
        install: What pip installs.
        kind: The class of the error.

    Raises:
        MissingExtra, MissingEngine: It is not installed; the one that was asked for.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise kind(
            f"{what} needs the package {name.partition('.')[0]}, which cannot be imported "
            f"({error})",
            mend=f"Run: {errors.command('pip', 'install', install)}",
        ) from None
