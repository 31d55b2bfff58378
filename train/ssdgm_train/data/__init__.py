"""Data: what a run is trained on, wherever it came from."""

from ssdgm_train.data.catalog import EMBEDDED, load, locate
from ssdgm_train.data.dataset import Dataset
from ssdgm_train.data.named import KNOWN, Tell, quiet

__all__ = ["EMBEDDED", "KNOWN", "Dataset", "Tell", "load", "locate", "quiet"]
