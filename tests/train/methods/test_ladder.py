"""The ladder: paths that share weights, statistics that parts of a batch do not, and denoising."""

import cases
import noises
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train import method
from ssdgm_train.methods.classifiers import ladder
from ssdgm_train.settings import RecipeError

KIND = "gaussian-float32"
LAYERS = ("layer0", "layer1", "layer2")


def built(**changes: object) -> ladder.Model:
    model = cases.built(ladder.METHOD, KIND, torch.float64, **changes)
    assert isinstance(model, ladder.Model)
    return model


def loss(model: ladder.Model, batch: method.Batch, **more: noises.Noise) -> method.Terms:
    return ladder.loss(model, batch, cases.context(**more))


def observed(model: ladder.Model, rows: Tensor) -> Tensor:
    return model.standardise(rows).double()


def identity_(model: ladder.Model) -> None:
    """Decoders that give the lateral values back: a gain of one whatever comes from above."""
    for rung in model.rungs:
        rung.combine.a.data.zero_()
        rung.combine.a.data[9] = 1.0


def test_without_noise_lateral_values_are_the_clean_ones_at_every_layer() -> None:
    model, batch = built(noise=0.0), cases.batch(KIND)
    identity_(model)
    x = observed(model, torch.cat([batch.x, batch.u]))
    path = model.climb(x, [5, 7], lambda z: z, keep=False)
    estimates = model.denoise(path, 7)
    for found, code in zip(estimates, path.codes, strict=True):
        torch.testing.assert_close(found, code[5:])
    terms = loss(model, batch)
    assert all(terms[name].shape == (7,) for name in LAYERS)
    torch.testing.assert_close(terms["layer0"], torch.zeros(7).double())


def test_an_estimate_is_compared_at_the_scale_of_its_clean_layer() -> None:
    """Its values before they were normalised would be denoised perfectly."""
    model, batch = built(noise=0.0), cases.batch(KIND)
    x = observed(model, torch.cat([batch.x, batch.u]))
    clean = model.climb(x, [5, 7], lambda z: z, keep=False)
    below = model.layers[0].project(clean.codes[0])[5:]
    estimates = [clean.codes[0][5:], below, clean.codes[2][5:]]
    rows, first, top = clean.scaled(estimates)
    torch.testing.assert_close(rows, clean.codes[0][5:])
    torch.testing.assert_close(first, clean.codes[1][5:])
    assert not torch.allclose(top, clean.codes[2][5:])


def test_at_first_a_decoder_gives_zero_so_the_error_of_rows_is_their_square() -> None:
    model, batch = built(), cases.batch(KIND)
    wanted = observed(model, batch.u).square().mean(-1)
    torch.testing.assert_close(loss(model, batch)["layer0"], wanted)


def test_labelled_and_unlabelled_rows_are_normalised_each_by_themselves() -> None:
    model, batch = built(noise=0.0), cases.batch(KIND)
    moved = method.Batch(batch.x, batch.y, batch.u * 3 + 100)
    one, other = loss(model, batch), loss(model, moved)
    torch.testing.assert_close(one["classifier"], other["classifier"])
    assert not torch.allclose(one["layer0"], other["layer0"])
    x = observed(model, torch.cat([moved.x, moved.u]))
    for code in model.climb(x, [5, 7], lambda z: z, keep=False).codes[1:]:
        for part in (code[:5], code[5:]):
            torch.testing.assert_close(part.mean(0), torch.zeros_like(part[0]))
            torch.testing.assert_close(part.var(0, correction=0), torch.ones_like(part[0]))


def test_noise_enters_at_every_layer_and_nowhere_else() -> None:
    model, batch, drawn = built(noise=0.7), cases.batch(KIND), list[torch.Size]()

    class Counting(noises.Zero):
        def normal(self, like: Tensor) -> Tensor:
            drawn.append(like.shape)
            return super().normal(like)

    still = loss(model, batch, noise=Counting())
    assert drawn == [(12, 6), (12, 8), (12, cases.CLASSES)]
    for name, value in loss(built(noise=0.0), batch).items():
        torch.testing.assert_close(still[name], value)


def test_what_is_noisy_goes_up_and_is_what_the_decoder_gets() -> None:
    model, x = built(), torch.randn(7, 6).double()
    path = model.climb(x, [7], lambda z: z + torch.linspace(0, 1, len(z))[:, None], keep=False)
    torch.testing.assert_close(path.codes[0], x + torch.linspace(0, 1, 7)[:, None])
    h = path.codes[0]
    for layer, code in zip(model.layers, path.codes[1:], strict=True):
        z = layer.project(h)
        plain = layer.moments(z).normalised(z)
        torch.testing.assert_close(code, plain + torch.linspace(0, 1, 7)[:, None])
        h = layer.activate(code)
    torch.testing.assert_close(path.raw, h)


def test_the_decoder_comes_down_from_the_noisy_probabilities() -> None:
    """With a mean of u and no gain, each estimate is what comes from above."""
    model, x = built(), torch.randn(7, 6).double()
    for rung in model.rungs:
        rung.combine.a.data.zero_()
        rung.combine.a.data[3] = 1.0
    path = model.climb(x, [7], lambda z: z, keep=False)
    rows, first, top = model.denoise(path, 7)
    for estimate, above in (
        (top, path.raw.softmax(-1)),
        (first, model.rungs[1].down(top)),
        (rows, model.rungs[2].down(first)),
    ):
        wanted = (above - above.mean(0)) / above.std(0, correction=0)
        torch.testing.assert_close(estimate, wanted, rtol=1e-4, atol=1e-6)


def test_only_the_noisy_path_is_noisy() -> None:
    """Targets are clean: with noise of a size of its own, estimates of zero err by it no more."""
    one, other = (loss(built(noise=size), cases.batch(KIND)) for size in (0.1, 5.0))
    torch.testing.assert_close(one["layer0"], other["layer0"])
    assert not torch.allclose(one["classifier"], other["classifier"])


def test_a_row_is_classified_by_averages_of_clean_unlabelled_rows() -> None:
    model, batch = built(noise=3.0), cases.batch(KIND, unlabelled=60)
    model.train()
    for seed in range(200):
        ladder.loss(model, batch, cases.context(seed=seed))
    x = observed(model, batch.u)
    clean = model.climb(x, [60], lambda z: z, keep=False)
    for layer, by in zip(model.layers, clean.moments, strict=True):
        torch.testing.assert_close(layer.mean, by.mean)
        torch.testing.assert_close(layer.variance, by.deviation**2 * 60 / 59, rtol=1e-4, atol=0)
    torch.testing.assert_close(model.classify(batch.u), clean.raw, rtol=0.1, atol=0.05)


def test_scoring_held_out_rows_changes_no_average() -> None:
    model = built().eval()
    before = [layer.mean.tolist() for layer in model.layers]
    loss(model, cases.batch(KIND))
    assert [layer.mean.tolist() for layer in model.layers] == before
    loss(model.train(), cases.batch(KIND))
    assert [layer.mean.tolist() for layer in model.layers] != before


def test_labelled_rows_are_denoised_where_there_are_no_others() -> None:
    terms = loss(built(), cases.batch(KIND, unlabelled=0))
    assert {name: len(value) for name, value in terms.items()} == dict.fromkeys(terms, 5)


def test_the_last_cost_holds_for_the_layers_that_follow() -> None:
    config = ladder.Config(hidden=(9, 8, 7), costs=(5.0, 4.0, 3.0))
    ((player,),) = (p.players for p in ladder.METHOD.phases(config, method.Sizes(1, 9)))
    weights = {"layer0": 5.0, "layer1": 4.0, "layer2": 3.0, "layer3": 3.0, "layer4": 3.0}
    assert player.weights == {"classifier": 1.0, **weights}


def test_more_costs_than_layers_are_refused() -> None:
    text = cases.message(RecipeError, lambda: built(costs=(1.0, 2.0, 3.0, 4.0)))
    assert "costs has 4 weights" in text
    assert "3 or fewer" in text


def test_convolutions_are_refused_in_a_sentence() -> None:
    text = cases.message(RecipeError, lambda: built(network="conv"))
    assert text == "network is conv; expected auto or mlp: a ladder here is made of perceptrons"


def test_a_bundle_of_a_ladder_classifies_and_claims_no_more() -> None:
    assert ladder.METHOD.tasks == ("classify",)


def test_the_classifier_needs_nothing_of_the_decoder() -> None:
    model, x = built().eval(), cases.batch(KIND).x
    before = model.classify(x)
    assert isinstance(model.rungs, nn.ModuleList)
    for weight in model.rungs.parameters():
        weight.data.fill_(torch.nan)
    assert torch.equal(model.classify(x), before)
    assert bool(before.isfinite().all())


@pytest.mark.parametrize("labelled", [1, 2])
def test_a_single_labelled_row_is_learnt_from(labelled: int) -> None:
    """Normalised by itself it would be zero at every layer."""
    model, batch = built().train(), cases.batch(KIND, labelled=labelled)
    for _ in range(3):
        loss(model, batch)
    path = model.climb(observed(model, batch.x), [labelled], lambda z: z, keep=False)
    assert all((code[0] != 0).all() for code in path.codes)
