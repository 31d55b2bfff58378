import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.mark.parametrize("name", ["tiny", "noisy", "tagged", "mixture", "adversary"])
def test_the_checked_in_bundles_are_what_the_script_builds(
    build: ModuleType, data: Path, name: str
) -> None:
    pytest.importorskip("onnx")
    folder = data / f"{name}.ssdgm"
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    built = getattr(build, name)()
    assert set(found) == set(built)
    for path in (p for p in built if not p.endswith(".npy") and p != "SHA256SUMS"):
        assert found[path].read_bytes() == built[path], path
    assert sum(p.stat().st_size for p in found.values()) < 50_000


def test_onnxruntime_opens_them_as_its_own_model_packages(data: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    if not hasattr(ort, "ModelPackageContext"):
        pytest.skip("this onnxruntime reads no model packages")
    for folder in sorted(data.glob("*.ssdgm")):
        package = ort.ModelPackageContext(str(folder))
        components = json.loads((folder / "manifest.json").read_text())["components"]
        assert set(package.get_component_names()) == set(components)
        assert "decoder" not in components or package.get_variant_count("decoder") == 2
