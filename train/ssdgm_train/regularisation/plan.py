"""The settings of regularisers."""

from dataclasses import dataclass

from ssdgm_train.settings import above, among, between, setting

GRAPH, BASELINE, FEATURES, PEERS = "graph", "baseline", "features", "peers"
TEACHERS = (GRAPH, BASELINE, FEATURES, PEERS)


@dataclass(frozen=True)
class Regularisation:
    """What is asked of q(y | x) beside the method's own loss; each weight is 0 for not at all.

    Attributes:
        consistency: Weight of the answer to a strongly augmented unlabelled row being that to
            the same row weakly augmented.
        threshold: How probable an answer must be to be taken for true in this; 0 compares whole
            distributions instead.
        align: Before that, move the answers to a batch together so that their mean is the prior.
        augmented: Weight of -log q(y | x) of labelled rows, strongly augmented.
        mirror: Whether an image and its mirror image have the same label, as a cat has and a
            digit has not.
        adversarial: Weight of the answer not changing in the direction in which it changes most.
        radius: The length of that step, in units of a row's standard deviation times the root of
            its width.
        taught: Weight of the answer to an unlabelled row being what teachers say of it.
        teachers: Who they are: "graph" for labels that are spread over a graph of neighbouring
            training rows; "baseline" for the one taken of scikit-learn's classifiers on the labels
            alone; "features" for a linear classifier of patches of images, or of random
            kernels over windows; "peers" for models of the same recipe without peers, which are
            trained first.
        peers: How many of these.
        entropy: Weight of the entropy of answers to unlabelled rows.
        balance: Weight of the divergence of their mean from the prior.
        average: Decay of a running average of the weights, such as 0.999, which is evaluated and
            exported; 0 for none.
        every: The method's own loss has every so many of a batch's unlabelled rows, since its
            rows cost more.
    """

    consistency: float = setting(0.0, between(0, 1e9))
    threshold: float = setting(0.95, between(0, 1))
    align: bool = True
    augmented: float = setting(0.0, between(0, 1e9))
    mirror: bool = False
    adversarial: float = setting(0.0, between(0, 1e9))
    radius: float = setting(0.1, above(0))
    taught: float = setting(0.0, between(0, 1e9))
    teachers: tuple[str, ...] = setting((GRAPH,), among(TEACHERS))
    peers: int = setting(3, between(1, 1e3))
    entropy: float = setting(0.0, between(0, 1e9))
    balance: float = setting(0.0, between(0, 1e9))
    average: float = setting(0.0, between(0, 1))
    every: int = setting(1, between(1, 1e6))

    @property
    def unlabelled(self) -> bool:
        """Whether a term that is in use has unlabelled rows."""
        return not self.weights.keys() <= {"augmented"}

    @property
    def weights(self) -> dict[str, float]:
        """The factors of the terms that are in use, by name."""
        names = ("consistency", "augmented", "adversarial", "taught", "entropy", "balance")
        return {name: getattr(self, name) for name in names if getattr(self, name)}
