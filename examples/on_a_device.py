"""Embed the runtime in an app: numpy and onnxruntime, no torch.

pip install "ssdgm-runtime[cpu]"
python examples/on_a_device.py digits.ssdgm rows.npy
"""

import sys

import numpy as np

import ssdgm_runtime


class Sorter:
    """An app's own class: it owns one model, which every thread may use, and says when unsure."""

    def __init__(self, bundle: str, confidence: float = 0.9) -> None:
        self.model = ssdgm_runtime.load(bundle, provider="cpu")
        self.confidence = confidence
        if not self.model.verify().passed:
            raise RuntimeError(f"{bundle} fails its golden rows on this device")
        self.model.warmup()

    def sort(self, rows: np.ndarray) -> list[str]:
        """A name for each row, or "?" where the model is less sure than `confidence`."""
        found = self.model.classify(rows)
        sure = found.probs.max(axis=1) >= self.confidence
        return [name if ok else "?" for name, ok in zip(found.names, sure, strict=True)]

    def example(self, name: str) -> np.ndarray:
        """What the model imagines under a name, the same each time."""
        return self.model.generate(name, n=1, seed=0).as_input()[0]


def main(bundle: str, file: str) -> int:
    """Print a name a row; a bad file or bundle is one sentence, not a traceback."""
    try:
        names = Sorter(bundle).sort(np.load(file, allow_pickle=False))
    except ssdgm_runtime.SsdgmError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("\n".join(names))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
