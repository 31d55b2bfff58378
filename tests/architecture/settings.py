"""Every setting of every method as a file of `examples/recipes/`: `make docs` writes them."""

from pathlib import Path

from ssdgm_train import METHODS
from ssdgm_train.recipes import reference

FOLDER = Path(__file__).parents[2] / "examples/recipes"


def main() -> None:
    """Write every file."""
    for name in METHODS:
        (FOLDER / f"{name}.toml").write_text(reference.text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
