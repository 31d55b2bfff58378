r"""Temperature scaling: \(softmax(l / T)\), with one number \(T\) that changes no prediction.

References:
    On Calibration of Modern Neural Networks (Guo et al., 2017), section 4.2.
"""

import math

from torch.nn import functional as F

from ssdgm_train.probability import shapes

FEWEST = 100
"""The fewest validation rows for which a temperature is fitted; for fewer it stays at 1."""

BOUNDS = (0.05, 20.0)


def temperature(logits: shapes.Logits, y: shapes.Labels) -> float:
    """The temperature at which logits [n, K] have the lowest NLL of class indices [n].

    It is within `BOUNDS`, and 1 if there are fewer than `FEWEST` rows. The NLL is convex in 1 / T
    and so has one minimum in log T too.
    """
    if len(y) < FEWEST:
        return 1.0
    from scipy import optimize

    exact = logits.double()

    def nll(log_temperature: float) -> float:
        return float(F.cross_entropy(exact / math.exp(log_temperature), y))

    low, high = map(math.log, BOUNDS)
    optimum = optimize.minimize_scalar(nll, bounds=(low, high), method="bounded")
    return math.exp(float(optimum.x))
