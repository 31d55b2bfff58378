"""Data: what a run is trained on, wherever it came from."""

from ssdgm_train.data.catalog import EMBEDDED, load, locate
from ssdgm_train.data.dataset import Dataset

__all__ = ["EMBEDDED", "Dataset", "load", "locate"]
