"""The registry: every method of the family, one import and one entry each."""

from ssdgm_train import method
from ssdgm_train.methods import m2, supervised

METHODS: dict[str, method.Method] = {
    "supervised": supervised.METHOD,
    "m2": m2.METHOD,
}
