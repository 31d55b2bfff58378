"""What a model declares and what follows from it."""

import pytest
import torch
from torch import Tensor

from ssdgm_train import method, model
from ssdgm_train.labels import classes
from ssdgm_train.model import TASKS, Conditional, Model
from ssdgm_train.probability import distributions

X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


class Shaky(Model):
    """A model whose distributions are sums of what they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.labels, self.widths = classes.uniform(2), {"z": 2, "eps_a": 3, "eps_z": 2}

    def classify(self, x: Tensor, eps_a: Tensor) -> Tensor:
        return x + eps_a.sum(-1, keepdim=True)

    def encode(self, x: Tensor, y: Tensor, eps_a: Tensor) -> distributions.Normal:
        return distributions.Normal(x + eps_a[:, :2], y + 1)

    def starts(self, y: Tensor, eps_z: Tensor) -> Tensor:
        return 10 * y + eps_z

    def decode(self, z: Tensor) -> dict[str, Tensor]:
        return {"x": z, "mean": z, "scale": torch.ones_like(z)}

    def score(self, x: Tensor) -> dict[str, Tensor]:
        return {"score": x.sum(-1)}

    conditionals = (
        model.classifier(classify, noise=("eps_a",)),
        model.encoder(encode, "x", "y", noise=("eps_a",)),
        model.prior(starts, "eps_z"),
        model.decoder(decode, "z"),
        Conditional(model.SCORER, score, ("x",)),
    )


def test_conditionals_say_what_they_take() -> None:
    taken = {each.name: (each.given, each.noise) for each in Shaky.conditionals}
    assert taken == {
        "classifier": (("x",), ("eps_a",)),
        "encoder": (("x", "y"), ("eps_a",)),
        "prior": (("y",), ("eps_z",)),
        "decoder": (("z",), ()),
        "scorer": (("x",), ()),
    }


def test_a_conditional_is_found_by_its_name() -> None:
    assert Shaky().conditional("prior") is Shaky.conditionals[2]
    assert Model().conditional("prior") is None


def test_noise_that_is_not_given_is_zero_and_the_answer_the_mean() -> None:
    torch.testing.assert_close(Shaky().answer("classifier", x=X)["raw"], X)
    y = torch.eye(2)[[0, 1, 1]]
    torch.testing.assert_close(Shaky().answer("prior", y=y)["z"], 10 * y)
    code = Shaky().answer("encoder", x=X, y=y)
    assert list(code) == ["z_mean", "z_scale"]
    torch.testing.assert_close(code["z_mean"], X)
    torch.testing.assert_close(code["z_scale"], y + 1)


def test_noise_that_is_given_is_taken() -> None:
    noise = torch.tensor([[1.0, 0, 0], [0, 2, 0], [0, 0, 3]])
    found = Shaky().answer("classifier", x=X, eps_a=noise)["raw"]
    torch.testing.assert_close(found, X + torch.tensor([[1.0], [2.0], [3.0]]))


def test_what_a_decoder_and_a_scorer_give_is_handed_on() -> None:
    assert list(Shaky().answer("decoder", z=X)) == ["x", "mean", "scale"]
    assert Shaky().answer("scorer", x=X)["score"].tolist() == [3, 7, 11]


def test_an_answer_that_is_not_declared_is_a_mistake_of_the_caller() -> None:
    class Mute(Model):
        """It declares nothing."""

    with pytest.raises(AssertionError, match="Mute declares no classifier"):
        Mute().answer("classifier", x=X)


PARTS = {each.name: each for each in Shaky.conditionals}


@pytest.mark.parametrize(
    ("names", "tasks"),
    [
        ((), ()),
        (("classifier",), ("classify",)),
        (("encoder",), ("encode",)),
        (("decoder",), ("generate",)),
        (("prior", "decoder"), ("generate",)),
        (("encoder", "decoder"), ("encode", "reconstruct", "generate")),
        (("scorer",), ("score",)),
        (tuple(PARTS), tuple(TASKS)),
    ],
)
def test_the_tasks_of_a_method_follow_from_the_conditionals_of_its_model(
    names: tuple[str, ...], tasks: tuple[str, ...]
) -> None:
    class Some(Model):
        conditionals = tuple(PARTS[name] for name in names)

    paper = method.Paper("A. Nobody", 2020, "A Title", "https://example.org")
    spec = method.Method("some", "a summary", paper, int, Some, lambda _, __: ())
    assert spec.tasks == tasks
