"""A module in the form that LiteRT's converter knows.

It has no transposed convolution with padding, which is one without whose edges are cut off. The
interpreter has no kernel for some of what follows from no input, such as one-hot rows of every
class: that is computed beforehand.
"""

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
    padding = node.args[_PADDING] if len(node.args) > _PADDING else 0
    each = list(padding) if isinstance(padding, (list, tuple)) else [padding] * sides
    if not any(each):
        return
    shape = node.meta["val"].shape
    further = node.args[_PADDING + 2 :]
    node.args = (*node.args[:_PADDING], [0] * sides, [0] * sides, *further)
    last = node
    with graph.inserting_after(node):
        for side, first in zip(range(-sides, 0), each, strict=True):
            cut = (last, side, first, first + shape[side])
            last = graph.create_node("call_function", ops.aten.slice.Tensor, cut)
            graph.inserting_after(last)
    node.replace_all_uses_with(last, delete_user_cb=lambda user: not _is_cut(user, node))


def _is_cut(user: fx.Node, node: fx.Node) -> bool:
    return user.target is ops.aten.slice.Tensor and user.args[0] is node
