"""What a label is, only the rooms `labels/` say: nothing above them assumes K classes."""

import ast
from collections.abc import Iterator

import packages
import pytest

from ssdgm_runtime.labels import registry

ROOMS = ("ssdgm_runtime.labels.", "ssdgm_train.labels.")
TREES = {
    name: ast.parse(path.read_text(encoding="utf-8"))
    for name, path in packages.modules().items()
    if not name.startswith(ROOMS)
}
NAMES = {"labels", "logits", "probs", "y"}
"""What labels and answers are called."""

ELSEWHERE = {
    "ssdgm_runtime.inference.likelihoods",
    "ssdgm_train.likelihoods.counts",
    "ssdgm_train.likelihoods.observations",
}
"""Where `probs` is a parameter of a likelihood."""


def assumptions(tree: ast.AST, name: str = "") -> Iterator[str]:
    """Names of a classifier's outputs as texts, and argmax of what is called a label."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in ("logits", "probs"):
            if name not in ELSEWHERE:
                yield f"{node.lineno}: {node.value!r}"
        elif isinstance(node, ast.Attribute) and node.attr == "argmax":
            words = {w.attr if isinstance(w, ast.Attribute) else w.id for w in named(node.value)}
            keys = {str(c.value) for c in ast.walk(node.value) if isinstance(c, ast.Constant)}
            if NAMES & (words | keys):
                yield f"{node.lineno}: argmax of {ast.unparse(node.value)}"


def named(tree: ast.AST) -> Iterator[ast.Name | ast.Attribute]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.Name | ast.Attribute))


@pytest.mark.parametrize("name", list(TREES))
def test_no_room_above_labels_knows_what_a_label_is(name: str) -> None:
    found = list(assumptions(TREES[name], name))
    assert not found, f"{name}: ask the label space instead: {found}"


PLANTED = ("a = run('logits')", "y.argmax(1)", "a['probs'].argmax()", "answer.labels.argmax()")


@pytest.mark.parametrize("planted", PLANTED)
def test_an_assumption_is_seen(planted: str) -> None:
    assert list(assumptions(ast.parse(planted)))


def test_what_is_no_label_may_have_a_largest_entry() -> None:
    assert not list(assumptions(ast.parse("bad.argmax()\nnp.abs(axes).argmax(axis=1)")))


@pytest.mark.parametrize("name", list(registry.SPACES))
def test_every_space_has_a_name_a_parser_and_lines(name: str) -> None:
    module = __import__(registry.SPACES[name], fromlist=["parse", "line"])
    assert module.parse.__doc__
    assert module.line.__doc__
