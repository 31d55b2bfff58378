"""Execution providers: the words for them, and what to do when one cannot be had."""

from collections.abc import Sequence

from ssdgm_runtime import errors

AUTO = "auto"
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
WEBGPU = "WebGpuExecutionProvider"
RTX = "NvTensorRTRTXExecutionProvider"
NVIDIA = (CUDA, TENSORRT)
FORKED = (CPU, OPENVINO)
"""Those that a forked process can open although its parent has."""
PLUGIN = "onnxruntime-ep-"
"""How the names of wheels begin that plug a provider into another build."""

WORDS = {
    "cpu": CPU,
    "cuda": CUDA,
    "tensorrt": TENSORRT,
    "openvino": OPENVINO,
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "webgpu": WEBGPU,
}

_NVIDIA = 'pip install "ssdgm-runtime[gpu]" "onnxruntime-gpu[cuda,cudnn]"'
_CPU = 'pip install "ssdgm-runtime[cpu]"'
_INSTALL = {
    CPU: ("onnxruntime", _CPU),
    CUDA: ("onnxruntime-gpu", _NVIDIA),
    TENSORRT: (
        "onnxruntime-gpu",
        f"{_NVIDIA} tensorrt, and name the folder of TensorRT's libraries in LD_LIBRARY_PATH",
    ),
    OPENVINO: ("onnxruntime-openvino", "pip install onnxruntime-openvino"),
    "CoreMLExecutionProvider": ("onnxruntime", f"{_CPU} (on macOS)"),
    "DmlExecutionProvider": (
        "onnxruntime-directml",
        "pip install onnxruntime-directml (on Windows)",
    ),
}
"""The build that a provider is part of, and how to install it."""
_PLUGINS = {
    OPENVINO: (
        f"{PLUGIN}openvino",
        ", for Intel's processors and GPUs",
        "The plug-in takes Intel's processors and GPUs alone",
    ),
    WEBGPU: (
        f"{PLUGIN}webgpu",
        "",
        "Install a GPU's driver with Vulkan and its loader (libvulkan1), or update onnxruntime.",
    ),
    RTX: (
        f"{PLUGIN}nv-tensorrt-rtx",
        ", for NVIDIA's RTX GPUs",
        "Install the driver of an NVIDIA RTX GPU, or update onnxruntime.",
    ),
}
"""The plug-in that has a provider, what it is for, and what to do where it cannot be used."""


def named(word: str, available: Sequence[str]) -> str:
    """The provider's own name, or `auto`.

    Args:
        word: `auto`, a key of WORDS, or a provider's own name.
        available: What the installed engine offers.

    Raises:
        InputError: The word is none of them.
    """
    if not isinstance(word, str):
        raise errors.InputError("provider", type(word).__name__, "a string, such as 'cpu'")
    name = WORDS.get(word, word)
    if name in (AUTO, *available) or name.endswith("ExecutionProvider"):
        return name
    words = ", ".join((AUTO, *WORDS))
    raise errors.InputError(
        "provider", f"{word!r:.80}", f"one of {words}, or a provider's own name"
    )


def candidates(word: str, available: Sequence[str]) -> tuple[str, ...]:
    """The providers to try, in order; more than one only for `auto`.

    Arguments and InputError are those of `named`.

    Raises:
        ProviderUnavailable: The provider is not in this engine.
    """
    name = named(word, available)
    if name == AUTO:
        return tuple(p for p in (CUDA, CPU) if p in available)
    if name in available:
        return (name,)
    raise unavailable(name, available, "this engine was built without it")


def defaults(name: str, threads: int, *, plugin: bool) -> dict[str, str]:
    """Options that hold a provider to the threads of the plan, and to float32.

    OpenVINO has threads of its own. Its plug-in, unlike its build of onnxruntime, also rounds to
    bfloat16 where the processor can, which the golden rows would notice.
    """
    if name != OPENVINO:
        return {}
    if not plugin:
        return {"num_of_threads": str(threads)}
    exact = '"INFERENCE_PRECISION_HINT": "f32"'
    return {"load_config": f'{{"CPU": {{{exact}, "INFERENCE_NUM_THREADS": "{threads}"}}}}'}


def unavailable(
    name: str, available: Sequence[str], why: str, mend: str = ""
) -> errors.ProviderUnavailable:
    """The error for a provider that was named and cannot be had; how to mend it is found out."""
    installed = distributions()
    return errors.ProviderUnavailable(
        f"{name} cannot be used: {why}; the engine offers {', '.join(available)}"
        f" (installed: {', '.join(installed) or 'no onnxruntime distribution'})",
        f"an engine with {name}",
        mend or _mend(name, [entry.split()[0] for entry in installed]),
    )


def _mend(name: str, packages: Sequence[str]) -> str:
    builds = [p for p in packages if not p.startswith(PLUGIN)]
    install = _exchange(builds, *_INSTALL[name]) if name in _INSTALL else ""
    if name not in _PLUGINS:
        return install or f"Install an onnxruntime build with {name}, or a plug-in that fits it."
    plugin, where, unused = _PLUGINS[name]
    there = any(p.startswith(plugin) for p in packages)
    tip = unused if there else f"pip install {plugin} (beside onnxruntime{where})"
    return f"{tip}; elsewhere {install}" if install else tip


def _exchange(builds: Sequence[str], build: str, install: str) -> str:
    """How to install a build where others may be, one of which alone can be."""
    if all(p == build for p in builds):
        return install
    return f"pip uninstall -y {' '.join(builds)}; {install} (the builds overwrite each other)"


def distributions() -> list[str]:
    """The installed packages whose name begins with onnxruntime, with their versions."""
    from importlib import metadata

    pairs = {
        (d.metadata["Name"] or "", d.version)
        for d in metadata.distributions()
        if (d.metadata["Name"] or "").lower().startswith("onnxruntime")
    }
    return [f"{name} {version}" for name, version in sorted(pairs)]
