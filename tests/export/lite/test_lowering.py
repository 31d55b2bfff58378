"""What LiteRT's converter lacks is written otherwise, and computes the same."""

import pytest
import torch
from torch import Tensor, nn

from ssdgm_export.lite import lowering


class Upsampled(nn.Module):
    """A transposed convolution whose output is read twice, once through a slice."""

    def __init__(self, sides: int, *how: int) -> None:
        super().__init__()
        self.up = (nn.ConvTranspose1d, nn.ConvTranspose2d)[sides - 1](3, 5, *how)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        up = self.up(x)
        return up[..., 1:4], up.relu()


def padded(module: nn.Module) -> bool:
    """Whether there is a transposed convolution with padding."""
    nodes = [n for m in module.modules() for n in getattr(getattr(m, "graph", None), "nodes", ())]
    ups = [n for n in nodes if "conv_transpose" in str(n.target)]
    assert ups
    return any(any(map(bool, n.args[4] if len(n.args) > 4 else [0])) for n in ups)


@pytest.mark.parametrize(
    ("sides", "how", "left"),
    [
        (2, (3, 2, 1, 1), False),
        (2, (3, 2, 1, 0), False),
        (1, (5, 2, 2, 1), False),
        (2, (4, 2, 1, 0), False),
        (2, (3, 2, 0, 0), False),
        (2, (3, 3, 1, 2), True),  # more is added than is cut off
    ],
)
def test_padding_of_transposed_convolutions_is_cut_off(
    sides: int, how: tuple[int, ...], left: bool
) -> None:
    module, x = Upsampled(sides, *how).eval(), torch.randn(2, 3, *[4] * sides)
    lowered = lowering.lowered(module, (x,))
    for found, wanted in zip(lowered(x), module(x), strict=True):
        torch.testing.assert_close(found, wanted)
    assert padded(lowered) is left


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr")  # by torch itself
def test_what_follows_from_no_input_is_a_constant() -> None:
    class OneHot(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor]:
            return (x @ torch.eye(4)[[2, 0, 1, 3]],)

    lowered = lowering.lowered(OneHot(), (torch.randn(2, 4),))
    kinds = {str(n.target) for n in lowered.graph.nodes if n.op == "call_function"}
    assert not any("eye" in kind or "arange" in kind for kind in kinds)
    x = torch.randn(3, 4)[:2]
    torch.testing.assert_close(lowered(x), OneHot()(x))
