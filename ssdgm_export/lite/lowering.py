"""A module in the form that LiteRT's converter knows.

It has no transposed convolution with padding, which is one without whose edges are cut off. The
interpreter has no kernel for some of what follows from no input, such as one-hot rows of every
class: that is computed beforehand.
"""

from typing import Any

from torch import Tensor, export, fx, nn, ops
from torch.fx.experimental import const_fold

_TRANSPOSED = {
    ops.aten.conv_transpose1d.default: 1,
    ops.aten.conv_transpose2d.input: 2,
}
"""Transposed convolutions by their operators: over how many sides they go."""

_PADDING = 4
"""Where the padding is among the arguments: after the input, the kernel, the bias, the stride."""


def lowered(module: nn.Module, given: tuple[Tensor, ...]) -> nn.Module:
    """The same function of inputs of these shapes.

    Args:
        module: The module.
        given: Examples of its inputs.
    """
    exported = export.export(module, given).module()
    assert isinstance(exported, fx.GraphModule)
    for node in list(exported.graph.nodes):
        if node.target in _TRANSPOSED:
            _unpad(exported.graph, node, _TRANSPOSED[node.target])
    exported.recompile()
    folded = const_fold.split_const_subgraphs(exported)
    folded.run_folding()
    return folded.eval()


def _unpad(graph: fx.Graph, node: fx.Node, sides: int) -> None:
    """Cut off what padding would have left out; the sizes are those of the padded one."""
    each, more = (_sides(node, at, sides) for at in (_PADDING, _PADDING + 1))
    if not any(each) or any(b > a for a, b in zip(each, more, strict=True)):
        return  # nothing to cut off, or more to add than there is
    shape = node.meta["val"].shape
    further = node.args[_PADDING + 2 :]
    node.args = (*node.args[:_PADDING], [0] * sides, [0] * sides, *further)
    cuts = [node]
    for side, first in zip(range(-sides, 0), each, strict=True):
        with graph.inserting_after(cuts[-1]):
            place = (cuts[-1], side, first, first + shape[side])
            cuts.append(graph.create_node("call_function", ops.aten.slice.Tensor, place))
    node.replace_all_uses_with(cuts[-1], delete_user_cb=lambda user: user not in cuts)


def _sides(node: fx.Node, at: int, sides: int) -> list[int]:
    """An argument that has a number for each side; zeros where it is left out."""
    given: Any = node.args[at] if len(node.args) > at else 0
    return list(given) if isinstance(given, (list, tuple)) else [given] * sides
