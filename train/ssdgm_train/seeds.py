"""Derive an independent random stream for each purpose from the single seed of a run."""

import numpy as np

SPLIT, LABELLED, UNLABELLED, WEIGHTS, NOISE, VALIDATION, EVIDENCE, BITS = range(8)
BOOTSTRAP, REPORT, FOLDS, PEERS = range(8, 12)


def derive(seed: int, purpose: int) -> int:
    """A 63-bit seed for one purpose of a run."""
    high, low = np.random.SeedSequence([seed, purpose]).generate_state(2)
    return (int(high) << 31) ^ int(low)


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """A numpy generator for one purpose of a run, and optionally for one round of it."""
    return np.random.default_rng(np.random.SeedSequence([seed, *purpose]))
