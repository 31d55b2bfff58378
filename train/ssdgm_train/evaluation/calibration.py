r"""Temperature scaling: \(softmax(l / T)\), with one number \(T\) that changes no prediction.

Of numbers T multiplies their deviations.

References:
    On Calibration of Modern Neural Networks (Guo et al., 2017), section 4.2.
"""

import math

from torch import Tensor

from ssdgm_train.labels.oneclass import OneClass
from ssdgm_train.labels.space import Space

FEWEST = 100
"""The fewest rows for which a temperature is fitted."""

BOUNDS = (0.05, 20.0)


def temperature(labels: Space, raw: Tensor, y: Tensor, few: float = 1.0) -> float:
    """The temperature at which raw numbers [n, raw] have the lowest NLL of labels [n, ...].

    It is within `BOUNDS`; `few` if there are fewer than `FEWEST` rows, and 1 for scores without a
    q. The NLL of classes is convex in 1 / T and so has one minimum in log T too.
    """
    if isinstance(labels, OneClass):
        return 1.0
    if len(y) < FEWEST:
        return few
    from scipy import optimize

    exact = raw.double()
    known = labels.known(y, like=exact)

    def nll(log_temperature: float) -> float:
        tempered = labels.tempered(exact, math.exp(log_temperature))
        return -float(labels.log_prob(tempered, known).mean())

    low, high = map(math.log, BOUNDS)
    optimum = optimize.minimize_scalar(nll, bounds=(low, high), method="bounded")
    return math.exp(float(optimum.x))
