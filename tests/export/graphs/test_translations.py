"""One table of translations for all graphs of a process, and torch as it was afterwards."""

import pytest
import torch
from torch.onnx._internal.exporter import _registration

from ssdgm_export.graphs import translations

REGISTRY = _registration.ONNXRegistry


def test_the_table_is_made_once_and_every_export_may_add_to_its_own() -> None:
    with translations.kept():
        first, second = (REGISTRY.from_torchlib(opset_version=18) for _ in range(2))
    first.register_op(torch.ops.aten.softplus.default, lambda x: x)
    target = torch.ops.aten.softplus.default
    assert len(first.get_decomps(target)) == len(second.get_decomps(target)) + 1
    assert [*first.functions] == [*second.functions]
    assert first.get_decomps(target)[-1] is second.get_decomps(target)[-1]


def test_it_has_what_torch_s_own_has() -> None:
    own = REGISTRY.from_torchlib(opset_version=18)
    with translations.kept():
        kept = REGISTRY.from_torchlib(opset_version=18)
    assert isinstance(kept, REGISTRY)
    assert {name: len(found) for name, found in kept.functions.items()} == {
        name: len(found) for name, found in own.functions.items()
    }


def test_an_export_within_another_takes_its_table() -> None:
    before = REGISTRY.__dict__["from_torchlib"]
    with translations.kept(), translations.kept():
        assert REGISTRY.from_torchlib(opset_version=18).functions
    assert REGISTRY.__dict__["from_torchlib"] is before


def test_torch_is_left_as_it_was() -> None:
    before = REGISTRY.__dict__["from_torchlib"]
    with pytest.raises(RuntimeError, match="stop"), translations.kept():
        raise RuntimeError("stop")
    assert REGISTRY.__dict__["from_torchlib"] is before


def test_a_torch_without_the_table_exports_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(REGISTRY, "from_torchlib")
    with translations.kept():
        assert not hasattr(REGISTRY, "from_torchlib")
