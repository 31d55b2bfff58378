"""Data sets: load what a run is trained on."""

from ssdgm_train.data.catalog import EMBEDDED, check_outside, load, locate
from ssdgm_train.data.dataset import Dataset
from ssdgm_train.data.places.named import KNOWN, Tell, quiet

__all__ = [
    "EMBEDDED",
    "KNOWN",
    "Dataset",
    "Tell",
    "check_outside",
    "load",
    "locate",
    "quiet",
]
