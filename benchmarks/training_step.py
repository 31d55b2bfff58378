"""Claim: one unlabelled step of M2 is at least 1.5 times as fast as Pyro's on the same model.

The same networks (784 inputs, one hidden layer of 500 softplus units each, 50 latents, 10 classes,
labels summed out), batch, optimiser and threads; Pyro with `TraceEnum_ELBO`, labels enumerated in
parallel, validation off, as its own `ss_vae_M2` example has it. Weights are copied from one to the
other first and the two losses compared, so that both do compute the same. Rounds alternate; the
ratio is taken round by round.

    pip install pyro-ppl==1.9.2
    python -m benchmarks.training_step
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import pyro
import torch
from pyro import distributions as dist
from pyro import infer, optim
from torch import Tensor, nn

from benchmarks import results
from ssdgm_train import method
from ssdgm_train.labels import classes
from ssdgm_train.methods import m2
from ssdgm_train.models import bounded
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.training import loop

ROWS, WIDTH, HIDDEN, LATENT, CLASSES = 200, 784, 500, 50, 10
CLAIM = 1.5


class Networks(nn.Module):
    """The three networks as a Pyro user writes them, on concatenated inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = mlp(WIDTH, CLASSES)
        self.encoder = mlp(WIDTH + CLASSES, 2 * LATENT)
        self.decoder = mlp(LATENT + CLASSES, WIDTH)

    def model(self, x: Tensor) -> None:
        """p(y) p(z) p(x | y, z)."""
        pyro.module("networks", self)
        with pyro.plate("data", len(x)):
            prior = torch.zeros(len(x), LATENT), torch.ones(len(x), LATENT)
            z = pyro.sample("z", dist.Normal(*prior).to_event(1))
            uniform = torch.ones(len(x), CLASSES) / CLASSES
            y = pyro.sample("y", dist.OneHotCategorical(uniform))
            logits = self.decoder(joined(z, y))
            pyro.sample("x", dist.Bernoulli(logits=logits).to_event(1), obs=x)

    def guide(self, x: Tensor) -> None:
        """q(y | x) q(z | x, y)."""
        with pyro.plate("data", len(x)):
            y = pyro.sample("y", dist.OneHotCategorical(logits=self.classifier(x)))
            mean, log_variance = self.encoder(joined(x, y)).chunk(2, -1)
            scale = torch.exp(0.5 * log_variance)
            pyro.sample("z", dist.Normal(mean, scale).to_event(1))


def mlp(inputs: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.Softplus(), nn.Linear(HIDDEN, out))


def joined(a: Tensor, b: Tensor) -> Tensor:
    """The concatenation along the last axis, leading axes broadcast (enumeration adds one)."""
    shape = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return torch.cat([a.expand(*shape, -1), b.expand(*shape, -1)], -1)


def copy_weights(ours: m2.Model, theirs: Networks) -> None:
    for name in ("classifier", "encoder", "decoder"):
        source, target = getattr(ours, name), getattr(theirs, name)
        target[0].weight.data = torch.cat(list(source.first.weights), 1).detach().clone()
        target[0].bias.data = source.first.bias.detach().clone()
        target[2].load_state_dict(source.rest[1].state_dict())


def build() -> m2.Model:
    problem = Problem((WIDTH,), "float32", classes.uniform(CLASSES), "bernoulli", (0.0,), (1.0,))
    config = m2.Config(
        hidden=(HIDDEN,), latent=LATENT, activation="softplus", batch_norm=False, binarise=False
    )
    return m2.Model(config, problem)


def our_steps(model: m2.Model, x: Tensor) -> Iterator[loop.Step]:
    sizes = method.Sizes(100, 49_900)
    (phase,) = m2.METHOD.phases(m2.Config(), sizes)
    stages = [loop.Stage(phase, loop.Plan(steps=10**9, schedule="constant"))]
    state = loop.start(model, stages, sizes, 0, torch.device("cpu"))
    batch = method.Batch(x[:0], torch.zeros(0, dtype=torch.long), x)
    return loop.fit(model, stages, sizes, lambda stage, model: lambda step: batch, state)


def their_steps(networks: Networks, x: Tensor) -> Iterator[float]:
    svi = infer.SVI(
        networks.model,
        infer.config_enumerate(networks.guide, "parallel", expand=True),
        optim.Adam({"lr": 1e-3}),
        loss=infer.TraceEnum_ELBO(max_plate_nesting=1),
    )
    while True:
        yield svi.step(x)


def losses(ours: m2.Model, theirs: Networks, x: Tensor, draws: int = 30) -> tuple[float, float]:
    """-U(x) summed over the batch, the mean over draws of z, by both programs."""
    noise = Noise(torch.Generator().manual_seed(0))
    context = method.Context(0.0, method.Sizes(1, 1), noise)
    batch = method.Batch(x[:0], torch.zeros(0, dtype=torch.long), x)
    guide = infer.config_enumerate(theirs.guide, "parallel", expand=True)
    elbo = infer.TraceEnum_ELBO(max_plate_nesting=1)
    with torch.no_grad():
        a = [bounded.loss(ours, batch, context)["unlabelled"].sum().item() for _ in range(draws)]
        b = [elbo.loss(theirs.model, guide, x) for _ in range(draws)]
    return statistics.mean(a), statistics.mean(b)


def rate(advance: Callable[[], object], steps: int) -> float:
    """Rows a second."""
    begin = time.perf_counter()
    for _ in range(steps):
        advance()
    return ROWS * steps / (time.perf_counter() - begin)


def main(rounds: int, steps: int) -> dict[str, object]:
    torch.manual_seed(0)
    pyro.set_rng_seed(0)
    pyro.enable_validation(False)
    x = torch.bernoulli(torch.rand(ROWS, WIDTH))
    ours, theirs = build(), Networks()
    copy_weights(ours, theirs)
    a, b = losses(ours, theirs, x)
    assert abs(a - b) < 0.002 * abs(b), f"the two programs compute different losses: {a}, {b}"
    mine, other = our_steps(ours, x), their_steps(theirs, x)
    for _ in itertools.islice(zip(mine, other, strict=False), 5):
        pass
    pairs = [
        (rate(lambda: next(mine), steps), rate(lambda: next(other), steps)) for _ in range(rounds)
    ]
    ratios = [m / o for m, o in pairs]
    return results.write(
        "training_step",
        claim=f"at least {CLAIM} times Pyro {pyro.__version__}, TraceEnum_ELBO",
        passed=statistics.median(ratios) >= CLAIM,
        figures={
            "ours_rows_per_s": statistics.median(m for m, _ in pairs),
            "pyro_rows_per_s": statistics.median(o for _, o in pairs),
            "ratio_median": statistics.median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "rounds": rounds,
            "loss_ours_nats": a,
            "loss_pyro_nats": b,
            "torch_threads": torch.get_num_threads(),
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10)
    main(**vars(parser.parse_args()))
