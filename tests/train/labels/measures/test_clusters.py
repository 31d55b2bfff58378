"""Cluster-and-label: components stand for the classes that they hold."""

import torch

from ssdgm_train.labels.classes import Classes
from ssdgm_train.labels.measures.clusters import by_class, held

LOGITS = torch.tensor([[5.0, 0, 0, 1], [0, 5, 0, 1], [0, 5, 0, 1], [0, 0, 5, 1], [5, 0, 0, 1]])
Y = torch.tensor([0, 1, 1, 1, 2])


def test_a_component_has_the_class_of_most_of_its_rows() -> None:
    assert held(LOGITS, Y)[1:3].tolist() == [1, 1]
    assert held(LOGITS, Y)[0] in (0, 2)  # a tie


def test_a_component_without_rows_has_the_class_of_most_weight() -> None:
    assert held(LOGITS, Y)[3] == 1


def test_probabilities_of_a_class_are_those_of_its_components_together() -> None:
    owners = torch.tensor([0, 1, 1, 0])
    probs = LOGITS.softmax(-1)
    wanted = torch.stack([probs[:, 0] + probs[:, 3], probs[:, 1] + probs[:, 2]], 1)
    torch.testing.assert_close(by_class(LOGITS, owners).exp(), wanted)


def test_scores_count_components_as_what_they_hold() -> None:
    space = Classes((0.25,) * 4, components=2)
    assert space.wrong(LOGITS, Y).sum() == 1
    assert space.measure(LOGITS, Y).error == 0.2
    plain = Classes((0.25,) * 4)
    assert plain.measure(LOGITS, Y).error == 0.4
    assert space.confusion(LOGITS, Y).shape == (3, 3)


def test_a_class_that_no_component_holds_is_always_wrong() -> None:
    space = Classes((0.5, 0.5), components=1)
    logits, y = torch.tensor([[3.0, 0], [0, 3], [0, 3]]), torch.tensor([0, 1, 2])
    assert space.wrong(logits, y).sum() == 1
    assert space.measure(logits, y).nll > 10


def test_described_names_the_components() -> None:
    described = Classes((0.25,) * 4, components=2).described(("a", "b"))
    assert described["names"] == ["a", "b", "unlabelled 1", "unlabelled 2"]
    assert described["labelled"] == 2
