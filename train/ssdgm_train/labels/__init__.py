"""Label spaces: what a label is, one file and one line each."""

from ssdgm_train.labels.classes import Classes
from ssdgm_train.labels.continuous import Continuous
from ssdgm_train.labels.dense import Dense
from ssdgm_train.labels.oneclass import OneClass
from ssdgm_train.labels.points import Points
from ssdgm_train.labels.space import Space
from ssdgm_train.labels.tags import Tags

__all__ = [
    "ANY",
    "SPACES",
    "Classes",
    "Continuous",
    "Dense",
    "OneClass",
    "Points",
    "Space",
    "Tags",
]

SPACES: dict[str, type[Space]] = {
    "classes": Classes,
    "tags": Tags,
    "numbers": Continuous,
    "one-class": OneClass,
    "masks": Dense,
    "points": Points,
}
"""Every label space by the name that run records and manifests write."""

ANY: tuple[type, ...] = (object,)
"""The spaces of a method that is written over whatever a label is, as long as it predicts one."""
