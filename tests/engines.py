"""Engines that behave as builds of onnxruntime were seen to, on a machine without their devices.

Graphs are computed by the real one, on the CPU. What is imitated:

- a provider that is not built in, or whose libraries do not load, gives a CPU session without an
  error (onnxruntime 1.32 and onnxruntime-gpu 1.31 without CUDA); TensorRT raises one
- `preload_dlls` prints what it cannot load, and may register a plug-in that the build brings along
- a plug-in's provider is among the available ones once its library is registered and it has found
  a device; named like a built-in one it gives a CPU session, and so does naming any provider
  beside devices
"""

import types
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ssdgm_runtime.engine import providers, session

CPU, CUDA, TENSORRT = providers.CPU, providers.CUDA, providers.TENSORRT
NO_CUBLAS = "Failed to load libcublasLt.so.13: cannot open shared object file"
_real = session.engine


def device(name: str, kind: str = "CPU", path: str = "") -> Any:  # noqa: ANN401
    """A device as `get_ep_devices` lists it."""
    return types.SimpleNamespace(
        ep_name=name,
        ep_metadata={"version": "1"} | ({"library_path": path} if path else {}),
        device=types.SimpleNamespace(type=types.SimpleNamespace(name=kind)),
    )


class Settings:
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.chosen: tuple[Any, Mapping[str, str]] | None = None

    def add_session_config_entry(self, key: str, value: str) -> None:
        self.entries[key] = value

    def add_provider_for_devices(self, found: Sequence[Any], options: Mapping[str, str]) -> None:
        if not found:
            raise ValueError("Must provide one or more OrtEpDevice instances.")
        self.chosen = (found[0], dict(options))


class Value:
    """A tensor on a device; copies there and back are counted."""

    def __init__(self, engine: "Engine", array: np.ndarray, place: tuple[str, int]) -> None:
        self.engine, self.array, self.place = engine, array.copy(), place

    def numpy(self) -> np.ndarray:
        self.engine.copies.append("back")
        return self.array.copy()


class Binding:
    def __init__(self, opened: "Opened") -> None:
        self.opened = opened
        self.feeds: dict[str, np.ndarray] = {}
        self.places: dict[str, tuple[str, int]] = {}
        self.values: list[Value] = []

    def bind_ortvalue_input(self, name: str, value: Value) -> None:
        self.feeds[name] = value.array

    def bind_output(self, name: str, kind: str, index: int) -> None:
        self.places[name] = (kind, index)

    def synchronize_inputs(self) -> None:
        pass

    def get_outputs(self) -> list[Value]:
        return self.values


class Opened:
    """A session: which provider it is on, and the real one that computes."""

    def __init__(self, engine: "Engine", data: bytes, active: str) -> None:
        self.engine, self.active = engine, active
        self.real = _real().InferenceSession(data, providers=[CPU])
        self.get_inputs, self.get_outputs = self.real.get_inputs, self.real.get_outputs
        if not engine.silent:
            self.get_provider_graph_assignment_info = self._parts

    def get_providers(self) -> list[str]:
        return [self.active] if self.active == CPU else [self.active, CPU]

    def disable_fallback(self) -> None:
        self.engine.falls_back = False

    def run(
        self, names: Sequence[str], feeds: Mapping[str, np.ndarray], _: None = None
    ) -> list[np.ndarray]:
        if self.active != CPU:
            self.engine.copies += ["there"] * len(feeds) + ["back"] * len(names)
        found: list[np.ndarray] = self.real.run(list(names), dict(feeds))
        return found

    def io_binding(self) -> Binding:
        return Binding(self)

    def run_with_iobinding(self, binding: Binding) -> None:
        found = self.real.run(list(binding.places), binding.feeds)
        pairs = zip(found, binding.places.values(), strict=True)
        binding.values = [Value(self.engine, array, place) for array, place in pairs]

    def _parts(self) -> list[Any]:
        counts = (self.engine.nodes or {self.active: 3}).items()
        return [
            types.SimpleNamespace(ep_name=p, get_nodes=lambda n=n: [None] * n) for p, n in counts
        ]


class Engine:
    """An onnxruntime.

    Args:
        available: The providers it was built with.
        loads: Those of them whose libraries load.
        nodes: Nodes a provider, of every graph; all on the active one by default.
        broken: Those that raise, and what.
        silent: It is too old to tell where nodes run.
        missing: What `preload_dlls` prints.
        plugs: The devices that each library finds; a text is why it does not load.
    """

    __version__ = "1.99"
    SessionOptions = Settings

    def __init__(
        self,
        available: Sequence[str],
        loads: Sequence[str] = (CPU,),
        *,
        nodes: Mapping[str, int] | None = None,
        broken: Mapping[str, str] | None = None,
        silent: bool = False,
        missing: str = "",
        plugs: Mapping[str, list[Any] | str] | None = None,
    ) -> None:
        self.available, self.loads, self.nodes = list(available), loads, nodes
        self.broken, self.silent, self.missing = broken or {}, silent, missing
        self.plugs, self.registered = plugs or {}, dict[str, str]()
        self.made: list[tuple[Any, dict[str, str], Settings, dict[str, Any]]] = []
        self.copies: list[str] = []
        self.bundled: dict[str, str] = {}
        self.falls_back = True
        self.preloads = 0
        self.OrtValue = types.SimpleNamespace(ortvalue_from_numpy=self._there)

    def get_available_providers(self) -> list[str]:
        plugged = [d.ep_name for d in self.get_ep_devices()]
        return [*self.available, *(name for name in plugged if name not in self.available)]

    def get_ep_devices(self) -> list[Any]:
        found = [device(CPU)]
        for path in self.registered.values():
            found += self.plugs[path]
        return found

    def register_execution_provider_library(self, name: str, path: str) -> None:
        if name in self.registered:
            raise RuntimeError(f"EP library is already registered under {name}")
        if isinstance(self.plugs[path], str):
            raise RuntimeError(self.plugs[path])
        self.registered[name] = path

    def preload_dlls(self) -> None:
        self.preloads += 1
        self.registered |= self.bundled
        print(self.missing, end="")  # noqa: T201

    def InferenceSession(
        self,
        data: bytes,
        settings: Settings,
        providers: list[tuple[str, dict[str, str]]] | None,
        **rest: object,
    ) -> Opened:
        if providers is None:
            assert settings.chosen is not None
            asked, options = settings.chosen
            active = asked.ep_name
        else:
            asked, options = providers[0]
            active = asked if asked in self.available and asked in self.loads else CPU
        self.made.append((asked, dict(options), settings, rest))
        if asked in self.broken if isinstance(asked, str) else False:
            raise RuntimeError(self.broken[asked])
        if isinstance(asked, str) and asked not in self.available:
            warnings.warn(f"Specified provider '{asked}' is not in available", stacklevel=2)
        return Opened(self, data, active)

    def _there(self, array: np.ndarray, kind: str, index: int) -> Value:
        self.copies.append("there")
        return Value(self, array, (kind, index))
