"""From a classifier of scikit-learn's that has learnt to a module that answers as it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.evaluation import classifiers
from ssdgm_train.evaluation.classifiers import Classifier, Codes
from ssdgm_train.networks.fixed import Fixed
from ssdgm_train.networks.kernels import Kernels

Array = NDArray[Any]
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Translated:
    """What `Fixed.put` takes: a part's name, its tensors, and the classes that it knows."""

    part: str
    tensors: Tensors
    classes: Codes
    scale: float = 1.0


def put(model: Classifier, module: Fixed) -> None:
    """Put a classifier that `classifiers.calibrated` has fitted into a module.

    Args:
        model: The classifier, of any of `classifiers.candidates` or of a single class.
        module: What shall answer as it does.
    """
    steps = _steps(model)
    one = _translated(steps)
    place = np.full(module.classes, len(one.classes))
    place[one.classes] = np.arange(len(one.classes))
    finish = {"scale": torch.tensor(one.scale), "place": torch.from_numpy(place)}
    module.put(one.part, one.tensors, finish)
    encoders = (step.func for step in steps if type(step).__name__ == "FunctionTransformer")
    for encode in encoders:
        assert isinstance(encode, classifiers.Encoder)
        assert isinstance(encode.network, Kernels)
        module.encode(encode.network)


def _steps(model: Any) -> list[Any]:  # noqa: ANN401  (scikit-learn's)
    """A pipeline's steps, those of a pipeline among them too, and what calibrates the last."""
    if hasattr(model, "steps"):
        return [one for _, step in model.steps for one in _steps(step)]
    if hasattr(model, "calibrated_classifiers_"):
        (inner,) = model.calibrated_classifiers_
        return [*_steps(inner.estimator), inner]
    return [model]


def _translated(steps: list[Any]) -> Translated:
    """The last classifier of some steps, and a scaler before it."""
    scale = 1.0
    if hasattr(steps[-1], "calibrators"):
        *steps, calibration = steps
        scale = float(calibration.calibrators[0].beta_)
    model = steps[-1]
    one = MAKERS[type(model).__name__](model)
    scalers = [step for step in steps if type(step).__name__ == "StandardScaler"]
    tensors = _unscaled(one.tensors, scalers[0]) if scalers else one.tensors
    return Translated(one.part, tensors, one.classes, scale)


def _unscaled(matrix: Tensors, scaler: Any) -> Tensors:  # noqa: ANN401
    """A matrix for features that a scaler has standardised, for these features as they are."""
    weight = matrix["weight"].double() / torch.from_numpy(scaler.scale_)[:, None]
    bias = matrix["bias"].double() - torch.from_numpy(scaler.mean_) @ weight
    return {"weight": weight.float(), "bias": bias.float()}


def _float(values: Array) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))


def _ways(values: Array) -> Array:
    """The two columns of one number for the second of two classes, [..., 1] to [..., 2]."""
    return np.concatenate([-values, values], -1) if values.shape[-1] == 1 else values


def _ridge(model: Any) -> Translated:  # noqa: ANN401
    weight, bias = _ways(np.atleast_2d(model.coef_).T), _ways(np.atleast_1d(model.intercept_))
    return Translated("matrix", {"weight": _float(weight), "bias": _float(bias)}, model.classes_)


def _logistic(model: Any) -> Translated:  # noqa: ANN401
    """Where there are two classes a logistic function of one number is a softmax of its halves."""
    half = 0.5 if len(model.classes_) == 2 else 1.0
    weight, bias = half * _ways(model.coef_.T), half * _ways(model.intercept_)
    return Translated("matrix", {"weight": _float(weight), "bias": _float(bias)}, model.classes_)


def _one_class(model: Any) -> Translated:  # noqa: ANN401
    size = model.n_features_in_
    tensors = {"weight": torch.zeros(size, 1), "bias": torch.zeros(1)}
    return Translated("matrix", tensors, np.asarray(model.classes_))


def _machine(model: Any) -> Translated:  # noqa: ANN401
    """The numbers of a pair (i, j) are those of j's column for rows of i, and of i's for j's."""
    count = len(model.classes_)
    of = np.repeat(np.arange(count), model.n_support_)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    weight, sides = np.zeros((len(of), len(pairs))), np.zeros((len(pairs), count))
    for at, (i, j) in enumerate(pairs):
        weight[of == i, at] = model.dual_coef_[j - 1, of == i]
        weight[of == j, at] = model.dual_coef_[i, of == j]
        sides[at, [i, j]] = (1, -1) if len(pairs) > 1 else (-1, 1)
    tensors = {
        "rows": _float(model.support_vectors_),
        "gamma": torch.tensor(model._gamma, dtype=torch.float32),
        "weight": _float(weight),
        "bias": _float(model.intercept_),
        "sides": _float(sides),
    }
    return Translated("machine", tensors, model.classes_)


def _neighbours(model: Any) -> Translated:  # noqa: ANN401
    votes = np.eye(len(model.classes_))[model._y]
    tensors = {
        "rows": _float(model._fit_X),
        "votes": _float(votes),
        "nearest": torch.tensor(model.n_neighbors),
    }
    return Translated("neighbours", tensors, model.classes_)


@dataclass(frozen=True)
class Tree:
    """The nodes of a tree [N], and what they add to the classes [N, K]; a leaf leads to itself."""

    feature: Array
    left: Array
    right: Array
    threshold: Array
    value: Array
    depth: int


def _forest(model: Any) -> Translated:  # noqa: ANN401
    """Each tree gives the shares of classes in its leaf; the forest their mean."""
    trees = []
    for one in (estimator.tree_ for estimator in model.estimators_):
        at, leaf = np.arange(one.node_count), one.children_left < 0
        left, right = (
            np.where(leaf, at, ways) for ways in (one.children_left, one.children_right)
        )
        feature, value = np.where(leaf, 0, one.feature), one.value[:, 0]
        trees.append(Tree(feature, left, right, one.threshold, value, one.max_depth))
    return _trees(trees, np.zeros(len(model.classes_)), model.classes_, shares=True)


def _boosting(model: Any) -> Translated:  # noqa: ANN401
    """A stage has a tree for every class, or one for the second of two."""
    stages, start = model._predictors, model._baseline_prediction[0]
    ways = len(stages[0])
    adds = np.eye(ways) if ways > 1 else np.array([[-0.5, 0.5]])
    trees = [
        _stage(one.nodes, add) for stage in stages for one, add in zip(stage, adds, strict=True)
    ]
    bias = start if ways > 1 else start * adds[0]
    return _trees(trees, bias, model.classes_, shares=False)


def _stage(nodes: Array, add: Array) -> Tree:
    """A tree of boosting, whose leaves add to the classes as `add` has it."""
    at, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, at, nodes[way]) for way in ("left", "right"))
    value = np.where(leaf, nodes["value"], 0)[:, None] * add
    feature = np.where(leaf, 0, nodes["feature_idx"])
    return Tree(feature, left, right, nodes["num_threshold"], value, int(nodes["depth"].max()))


def _trees(trees: list[Tree], bias: Array, classes: Codes, *, shares: bool) -> Translated:
    """Trees of as many nodes, the smaller ones filled up."""
    most = max(len(tree.feature) for tree in trees)

    def stacked(name: str) -> Array:
        parts = [getattr(tree, name) for tree in trees]
        return np.stack(
            [np.pad(part, [(0, most - len(part)), *[(0, 0)] * (part.ndim - 1)]) for part in parts]
        )

    tensors = {
        name: torch.from_numpy(stacked(name).astype(np.int64))
        for name in ("feature", "left", "right")
    }
    tensors |= {"threshold": _below(stacked("threshold")), "value": _float(stacked("value"))}
    tensors |= {"bias": _float(bias), "shares": torch.tensor(shares)}
    depth = max(tree.depth for tree in trees)
    return Translated("trees", {**tensors, "depth": torch.tensor(depth)}, classes)


def _below(values: Array) -> Tensor:
    """The largest numbers of 32 bits that are not above numbers of 64: rows have 32."""
    near = values.astype(np.float32)
    return torch.from_numpy(np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near))


MAKERS: dict[str, Callable[[Any], Translated]] = {
    "SVC": _machine,
    "KNeighborsClassifier": _neighbours,
    "LogisticRegression": _logistic,
    "RidgeClassifierCV": _ridge,
    "ExtraTreesClassifier": _forest,
    "HistGradientBoostingClassifier": _boosting,
    "DummyClassifier": _one_class,
}
"""By a class of scikit-learn's."""
