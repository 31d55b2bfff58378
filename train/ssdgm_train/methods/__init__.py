"""The registry: every method of the family, one import and one entry each."""

from ssdgm_train import method
from ssdgm_train.methods import adgm, gmdgm, m1, m1m2, m2, mmdgm, oneclass, sdgm, segment, views
from ssdgm_train.methods.classifiers import baseline, ladder, supervised, vat

METHODS: dict[str, method.Method] = {
    "supervised": supervised.METHOD,
    "baseline": baseline.METHOD,
    "m1": m1.METHOD,
    "m2": m2.METHOD,
    "m1m2": m1m2.METHOD,
    "adgm": adgm.METHOD,
    "sdgm": sdgm.METHOD,
    "gmdgm": gmdgm.METHOD,
    "mmdgm": mmdgm.METHOD,
    "segment": segment.METHOD,
    "ladder": ladder.METHOD,
    "vat": vat.METHOD,
    "oneclass": oneclass.METHOD,
    "views": views.METHOD,
}
"""Every method by its name, as `--method` takes it."""
