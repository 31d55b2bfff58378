"""From the one seed of a run to a stream for each purpose, so that no two of them are alike."""

import numpy as np

SPLIT, LABELLED, UNLABELLED, WEIGHTS, NOISE, VALIDATION, EVIDENCE, BITS, BOOTSTRAP, REPORT = range(
    10
)


def derive(seed: int, purpose: int) -> int:
    """A seed of 63 bits for one purpose of a run."""
    high, low = np.random.SeedSequence([seed, purpose]).generate_state(2)
    return (int(high) << 31) ^ int(low)


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """A numpy generator for one purpose of a run, and for one round of it."""
    return np.random.default_rng(np.random.SeedSequence([seed, *purpose]))
