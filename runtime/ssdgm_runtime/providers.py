"""Execution providers: the words for them, and what to do when one cannot be had."""

from collections.abc import Sequence

from ssdgm_runtime import errors

AUTO = "auto"
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

WORDS = {
    "cpu": CPU,
    "cuda": CUDA,
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
}

_NVIDIA = 'pip install "ssdgm-runtime[gpu]" "onnxruntime-gpu[cuda,cudnn]"'
_INSTALL = {
    CPU: 'pip install "ssdgm-runtime[cpu]"',
    CUDA: _NVIDIA,
    "TensorrtExecutionProvider": f"{_NVIDIA} tensorrt",
    "OpenVINOExecutionProvider": "pip install onnxruntime-openvino",
    "CoreMLExecutionProvider": 'pip install "ssdgm-runtime[cpu]" (on macOS)',
    "DmlExecutionProvider": "pip install onnxruntime-directml (on Windows)",
}


def candidates(word: str, available: Sequence[str]) -> tuple[str, ...]:
    """The providers to try, in order; more than one only for `auto`.

    Args:
        word: `auto`, a key of WORDS, or a provider's own name.
        available: What the installed engine was built with.

    Raises:
        InputError: The word is neither.
        ProviderUnavailable: The provider is not in this engine.
    """
    if not isinstance(word, str):
        raise errors.InputError("provider", type(word).__name__, "a string, such as 'cpu'")
    if word == AUTO:
        return tuple(p for p in (CUDA, CPU) if p in available)
    name = WORDS.get(word, word)
    if name in available:
        return (name,)
    if not name.endswith("ExecutionProvider"):
        known = ", ".join((AUTO, *WORDS))
        raise errors.InputError(
            "provider", repr(word), f"one of {known}, or a provider's own name"
        )
    raise unavailable(name, available, "this engine was built without it")


def unavailable(name: str, available: Sequence[str], why: str) -> errors.ProviderUnavailable:
    """The error for a provider that was named and cannot be had."""
    found = distributions()
    return errors.ProviderUnavailable(
        f"{name} cannot be used: {why}; the engine offers {', '.join(available)}"
        f" (installed: {', '.join(found) or 'no onnxruntime distribution'})",
        f"an engine with {name}",
        _mend(name, found),
    )


def _mend(name: str, found: Sequence[str]) -> str:
    install = _INSTALL.get(name, f"Install an onnxruntime build with {name}.")
    packages = [entry.split()[0] for entry in found]
    rival = [p for p in packages if p not in install]
    if len(packages) > 1 or (rival and install.startswith("pip")):
        return f"The builds overwrite each other: pip uninstall -y {' '.join(packages)}; {install}"
    return install


def distributions() -> list[str]:
    """The installed packages whose name begins with onnxruntime, with their versions."""
    from importlib import metadata

    pairs = {
        (d.metadata["Name"] or "", d.version)
        for d in metadata.distributions()
        if (d.metadata["Name"] or "").lower().startswith("onnxruntime")
    }
    return [f"{name} {version}" for name, version in sorted(pairs)]
