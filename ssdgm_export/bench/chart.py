"""A benchmark's report as one picture: latency by batch size or callers, a line an engine."""

import io
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

Json = dict[str, Any]
DPI, SIZE = 100, 8
WIDE, HIGH = 5.2, 3.4
"""Of one panel, in inches."""

OWN = "ssdgm_runtime"
_SETTINGS = ("variant", "provider", "threads", "concurrency", "batch")
_AXES = {"batch": "rows a call", "concurrency": "callers", "threads": "threads"}
_NAMES = {"raw": "bare onnxruntime"}
_DASHES = ("-", "--", ":", "-.")
_COLOURS = {OWN: "tab:blue", "raw": "tab:orange", "torch": "tab:green"}
_FURTHER = ("tab:red", "tab:purple", "tab:brown", "tab:grey")


def png(report: Json) -> bytes:
    """Draw a report.

    A panel a graph: the median with its 95 % interval and, paler, the 95th percentile, against
    the rows a call, or against callers or threads where only these vary; a colour an engine, a
    dash a setting.

    Returns:
        A PNG file.
    """
    names = list(dict.fromkeys(cell["component"] for cell in report["cells"]))
    drawn = Figure(figsize=(WIDE * len(names), HIGH + 0.5), dpi=DPI, layout="constrained")
    for axes, name in zip(drawn.subplots(1, len(names), squeeze=False).flat, names, strict=True):
        _panel(axes, name, [c for c in report["cells"] if c["component"] == name])
    place = report["environment"]
    drawn.suptitle(
        f"{report['bundle']} on {place['cpu']}, onnxruntime {place['onnxruntime']}\n"
        "median and its 95 % interval, pale: 95th percentile",
        fontsize=SIZE + 1,
        parse_math=False,
    )
    stream = io.BytesIO()
    drawn.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _panel(axes: Axes, name: str, cells: list[Json]) -> None:
    several = [k for k in _SETTINGS if len({cell[k] for cell in cells}) > 1]
    across = next((k for k in _AXES if k in several), "batch")
    varied = [k for k in several if k != across]
    settings = list(dict.fromkeys(_setting(cell, varied) for cell in cells))
    for cell_setting, dash in zip(settings, _cycled(len(settings)), strict=True):
        chosen = [cell for cell in cells if _setting(cell, varied) == cell_setting]
        chosen.sort(key=lambda cell: cell[across])
        places = [cell[across] for cell in chosen]
        engines = (OWN, *chosen[0]["against"])
        for i, engine in enumerate(engines):
            colour = _COLOURS.get(engine, _FURTHER[i % len(_FURTHER)])
            label = ", ".join(filter(None, (_NAMES.get(engine, engine), cell_setting)))
            _line(axes, places, _timings(chosen, engine), (colour, dash, label))
    _scales(axes, sorted({cell[across] for cell in cells}))
    axes.set_title(name, fontsize=SIZE + 1, parse_math=False)
    axes.set_xlabel(_AXES[across], fontsize=SIZE)
    axes.set_ylabel("milliseconds a call", fontsize=SIZE)
    axes.tick_params(labelsize=SIZE)
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=SIZE - 1, frameon=False)


def _timings(cells: list[Json], engine: str) -> list[Json]:
    return [cell["model"] if engine == OWN else cell["against"][engine] for cell in cells]


def _line(axes: Axes, x: list[int], timings: list[Json], look: tuple[str, str, str]) -> None:
    colour, dash, label = look
    y = [timing["p50_ms"] for timing in timings]
    spans = [timing["p50_interval_ms"] or [timing["p50_ms"]] * 2 for timing in timings]
    below = [max(m - low, 0.0) for m, (low, _) in zip(y, spans, strict=True)]
    above = [max(high - m, 0.0) for m, (_, high) in zip(y, spans, strict=True)]
    axes.errorbar(
        x,
        y,
        (below, above),
        fmt=f"o{dash}",
        color=colour,
        label=label,
        linewidth=1.3,
        markersize=3.5,
        capsize=2,
    )
    tails = [timing["p95_ms"] for timing in timings]
    axes.plot(x, tails, linestyle=dash, color=colour, alpha=0.35, linewidth=1)


def _setting(cell: Json, varied: list[str]) -> str:
    words = (str(cell[k]).removesuffix("ExecutionProvider") for k in varied)
    pairs = zip(varied, words, strict=True)
    return ", ".join(f"{_AXES[k]} {v}" if k in _AXES else v for k, v in pairs)


def _cycled(n: int) -> Iterator[str]:
    return (_DASHES[i % len(_DASHES)] for i in range(n))


def _scales(axes: Axes, places: list[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(places, list(map(str, places)))
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
