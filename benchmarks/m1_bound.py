"""Claim: our M1's bound on the MNIST test images is better than that of the authors' weights.

Means over ten draws of z for each image, the divergence in closed form, the same noise for both
models, three estimators, and ours has to be better by each: the encoder and the likelihood see
sampled bits; both see grey levels; the encoder sees grey levels and the likelihood sampled bits.
The authors' weights have seen the first 50,000 training images, ours 50,000 drawn from all.
Needs MNIST under SSDGM_DATA_DIR, a finished run of the recipe density-m1, and the weights of
`kingma2014`.

    SSDGM_DATA_DIR=data python -m benchmarks.m1_bound --run runs/m1 --weights m1.npz
"""

import argparse
from pathlib import Path

import torch

from benchmarks import results
from ssdgm_train import data
from ssdgm_train.models.autoencoder import VAE
from ssdgm_train.probability import distributions
from ssdgm_train.probability.noise import Noise
from ssdgm_train.runs import directory, kingma2014, loading

DRAWS = 10


def bounds(vae: VAE, x: torch.Tensor, seed: int) -> dict[str, float]:
    """The three bounds on -log p(x), in nats, means over the images and over draws."""
    noise = Noise(torch.Generator().manual_seed(seed))
    grey = vae.standardise(x)
    sums = dict.fromkeys(("bits", "grey", "bits_encoded_from_grey"), 0.0)
    with torch.inference_mode():
        for _ in range(DRAWS):
            bits = noise.bits(grey)
            for name, seen, told in zip(sums, (bits, grey, grey), (bits, grey, bits), strict=True):
                posterior = vae.encoder(seen)
                log_px = vae.likelihood.log_prob(told, vae.decoder(posterior.sample(noise)))
                gap = distributions.normal_kl(*posterior) - log_px
                sums[name] += float(gap.mean()) / DRAWS
    return sums


def main(run: Path, weights: Path) -> dict[str, object]:
    opened = directory.Run(run)
    described = opened.read()
    images = data.load("mnist").x_test
    assert images is not None
    x = torch.from_numpy(images)
    ours = bounds(loading.load_model(opened).features, x, 0)
    theirs = bounds(kingma2014.load(weights, described.problem).features, x, 0)
    return results.write(
        "m1_bound",
        claim="M1's bound on MNIST test pixels is better than the authors', by three estimators",
        passed=all(ours[name] < theirs[name] for name in ours),
        figures={
            "ours_nats": ours,
            "authors_nats": theirs,
            "ours_better_by": [name for name in ours if ours[name] < theirs[name]],
            "images": len(x),
            "draws": DRAWS,
            "training_rows": described.data.labelled + described.data.unlabelled,
            "seed": described.seed,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/m1"))
    parser.add_argument("--weights", type=Path, required=True)
    main(**vars(parser.parse_args()))
