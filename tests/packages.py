"""Where the three packages lie, and their files by module name."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "ssdgm_export": ROOT / "ssdgm_export",
    "ssdgm_train": ROOT / "train" / "ssdgm_train",
    "ssdgm_runtime": ROOT / "runtime" / "ssdgm_runtime",
}


def modules() -> dict[str, Path]:
    """Every file of the three packages by the name of its module."""
    return {
        _name(folder.parent, path): path
        for folder in FOLDERS.values()
        for path in sorted(folder.rglob("*.py"))
    }


def _name(base: Path, path: Path) -> str:
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
