import numpy as np
import pytest

from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.inference import likelihoods, noise


def test_the_same_rows_however_they_are_chunked() -> None:
    whole = noise.draw(7, "z", 100, 5)
    for size in (1, 3, 64):
        stream = noise.Stream(7, "z", 5)
        parts = [stream.take(min(size, 100 - start)) for start in range(0, 100, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert whole.dtype == np.float32


def test_each_seed_and_each_name_has_its_own_stream() -> None:
    draws = [noise.draw(s, n, 50, 2) for s in (0, 1, 2**70) for n in ("z", "a")]
    for i, one in enumerate(draws):
        assert not any(np.array_equal(one, other) for other in draws[:i])


def test_the_streams_are_numpy_philox() -> None:
    """Pinned: a change here changes what every stored seed generates."""
    from zlib import crc32

    sequence = np.random.SeedSequence([7, crc32(b"z")])
    expected = np.random.Generator(np.random.Philox(sequence)).standard_normal((4, 3), np.float32)
    np.testing.assert_array_equal(noise.draw(7, "z", 4, 3), expected)
    assert abs(noise.draw(0, "z", 20000, 2).mean()) < 0.02
    assert abs(noise.draw(0, "z", 20000, 2).std() - 1) < 0.02


class Fixed:
    """A stream whose uniform numbers are an even grid over (0, 1)."""

    def __init__(self, grid: np.ndarray) -> None:
        self.grid = grid

    def uniform(self, rows: int) -> np.ndarray:
        return self.grid

    def __call__(self, name: str, width: int) -> "Fixed":
        return self


@pytest.mark.parametrize("total", [1, 2, 16, 255, 1000])
@pytest.mark.parametrize("p", [0.0, 1e-6, 0.03, 0.5, 0.77, 0.999999, 1.0])
def test_binomial_inverts_the_distribution_function(total: int, p: float) -> None:
    """Over a grid of u the counts' histogram is the distribution itself."""
    n = 20000
    u = ((np.arange(n) + 0.5) / n)[:, None]
    about = manifest.Likelihood("binomial", total)
    counts = likelihoods.binomial({"probs": np.full((n, 1), p, np.float32)}, about, Fixed(u))
    exact = float(np.float32(p))
    assert counts.min() >= 0
    assert counts.max() <= total
    assert abs(counts.mean() - total * exact) < 0.01 * max(1, np.sqrt(total))
    assert abs(counts.var() - total * exact * (1 - exact)) < 0.02 * max(1, total)


def test_binomial_is_in_units_and_adds_up_blocks() -> None:
    about = manifest.Likelihood("binomial", 2500, low=-1.0, step=0.5)
    probs = np.full((2000, 2), 0.3, np.float32)
    x = likelihoods.binomial({"probs": probs}, about, noise.Streams(0))
    counts = (x + 1) / 0.5
    np.testing.assert_array_equal(counts, counts.round())
    assert abs(counts.mean() - 750) < 2
    assert abs(counts.std() - np.sqrt(2500 * 0.3 * 0.7)) < 1


def test_bernoulli() -> None:
    about = manifest.Likelihood("bernoulli", low=2.0, step=3.0)
    probs = np.tile(np.float32([0.0, 0.25, 1.0]), (8000, 1))
    x = likelihoods.bernoulli({"probs": probs}, about, noise.Streams(0))
    assert x.dtype == np.float32
    assert set(np.unique(x)) == {2.0, 5.0}
    np.testing.assert_allclose((x == 5).mean(0), [0, 0.25, 1], atol=0.02)


def test_gaussian() -> None:
    parameters = {
        "mean": np.tile(np.float32([1, -4]), (8000, 1)),
        "scale": np.tile(np.float32([0.5, 2]), (8000, 1)),
    }
    x = likelihoods.gaussian(parameters, manifest.Likelihood("gaussian"), noise.Streams(0))
    np.testing.assert_allclose(x.mean(0), [1, -4], atol=0.1)
    np.testing.assert_allclose(x.std(0), [0.5, 2], atol=0.1)


LEVELS = manifest.Likelihood("logistic", total=255)


def logistic(mean: float, scale: float, rows: int) -> np.ndarray:
    parameters = {"mean": np.full((rows, 1), mean), "scale": np.full((rows, 1), scale)}
    u = ((np.arange(rows) + 0.5) / rows)[:, None]
    return likelihoods.logistic(parameters, LEVELS, Fixed(u))[:, 0]


def test_logistic_has_the_mass_of_every_level() -> None:
    x = logistic(100.3, 4.0, 200_000)
    assert x.dtype == np.float32
    edges = 1 / (1 + np.exp(-(np.arange(0, 255) + 0.5 - 100.3) / 4.0))
    mass = np.diff(np.concatenate([[0], edges, [1]]))
    found = np.bincount(x.astype(int), minlength=256) / len(x)
    np.testing.assert_allclose(found, mass, atol=1e-4)


def test_logistic_puts_what_lies_beyond_on_the_last_levels() -> None:
    assert set(logistic(-50.0, 1.0, 100)) == {0.0}
    assert logistic(255.0, 2.0, 1000).max() == 255


COLUMNS = manifest.Likelihood("columns", blocks=(2, 3))


def test_a_table_s_codes_have_their_probabilities() -> None:
    probs = np.tile(np.float32([0.25, 0.75, 0.5, 0.0, 0.5]), (20_000, 1))
    parameters = {
        "mean": np.full((20_000, 1), 5, np.float32),
        "scale": np.full((20_000, 1), 2, np.float32),
        "code_probs": probs,
    }
    x = likelihoods.columns(parameters, COLUMNS, noise.Streams(0))
    assert x.shape == (20_000, 3)
    assert abs(x[:, 0].mean() - 5) < 0.1
    assert abs(x[:, 1].mean() - 0.75) < 0.01
    assert set(np.unique(x[:, 2])) == {0.0, 2.0}


def test_a_table_may_have_no_numbers_or_no_categories() -> None:
    assert likelihoods.parameters(COLUMNS, 0) == ("code_probs",)
    assert likelihoods.parameters(manifest.Likelihood("columns"), 2) == ("mean", "scale")
    assert likelihoods.parameters(COLUMNS, 2) == ("mean", "scale", "code_probs")
    assert likelihoods.parameters(manifest.Likelihood("unheard of"), 2) == ()
    probs = np.full((4, 5), 0.2, np.float32)
    assert likelihoods.columns({"code_probs": probs}, COLUMNS, noise.Streams(0)).shape == (4, 2)


@pytest.mark.parametrize("name", likelihoods.SAMPLERS)
def test_every_likelihood_draws_the_same_however_it_is_chunked(name: str) -> None:
    about = manifest.Likelihood(name, total=16, blocks=(3,) if name == "columns" else ())
    if name == "views":
        kinds = ("gaussian", "bernoulli", "binomial")
        about = about._replace(views=tuple((k, manifest.Likelihood(k, total=16)) for k in kinds))
    rng, names = np.random.default_rng(0), likelihoods.parameters(about, 3)
    parameters = {k: rng.random((40, 3)).astype(np.float32) for k in names}
    whole = likelihoods.SAMPLERS[name](parameters, about, noise.Streams(1))
    streams = noise.Streams(1)
    parts = [
        likelihoods.SAMPLERS[name](
            {k: v[at : at + 7] for k, v in parameters.items()}, about, streams
        )
        for at in range(0, 40, 7)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert whole.dtype == np.float32


def test_a_last_bit_moves_no_other_value() -> None:
    probs = np.random.default_rng(0).random((200, 4)).astype(np.float32)
    other = probs.copy()
    other[0] = 1 - other[0]
    about = manifest.Likelihood("binomial", 16)
    one, two = (
        likelihoods.binomial({"probs": p}, about, noise.Streams(1)) for p in (probs, other)
    )
    np.testing.assert_array_equal(one[1:], two[1:])
