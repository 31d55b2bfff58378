"""A sheet of columns: a histogram of numbers, bars for the most frequent categories."""

import numpy as np

from ssdgm_export import plates
from ssdgm_export.sheet import lines
from ssdgm_runtime.pictures import png
from ssdgm_train import inspection
from ssdgm_train.inspection import features

MOST = 200
"""Columns that are shown."""

ACROSS = 8
WIDE, TALL = 140, 66
"""Pixels of a panel."""

ABOVE, BELOW, BESIDE = 16, 18, 16
"""Pixels around it, for its texts."""

LETTERS = 23
"""Of a title."""

TOP = 3 * plates.LETTER
BINS = 35
BAR = 13
"""Pixels of a category."""

EXACT = 1e9
WHITE, GROUND, DARK, LIGHT = 255, 245, 70, 200


def draw(report: inspection.Report) -> bytes:
    """Draw them, in the table's order; of very many rows the sample's."""
    shown = report.seen.features[:MOST]
    across = min(ACROSS, max(4, len(shown)))
    wide, tall = WIDE + BESIDE, ABOVE + TALL + BELOW
    sheet = np.full((TOP + tall * -(-len(shown) // across), across * wide), WHITE, np.uint8)
    texts = [plates.Text(0, TOP - plates.GAP, _caption(report), "left")]
    for i, feature in enumerate(shown):
        x, y = i % across * wide, TOP + i // across * tall + ABOVE
        column = report.seen.sample[:, i]
        panel, notes = _panel(column[~np.isnan(column)], feature)
        sheet[y : y + TALL, x : x + WIDE] = panel
        title = _title(report, feature)
        texts.append(plates.Text(x, y - 2, title, "left"))
        texts += [plates.Text(x + t.x, y + t.y, t.text, t.across, t.down) for t in notes]
    return plates.sheeted(sheet, texts)


def _caption(report: inspection.Report) -> str:
    count, shown = len(report.seen.features), len(report.seen.sample)
    cut = f", the first {MOST} of {count}" if count > MOST else ""
    rows = f"{shown:,} training rows"
    whole = rows if shown == len(report.data.x) else f"{rows} of {len(report.data.x):,}"
    return f"{report.data.name}: columns{cut}; {whole}"


def _title(report: inspection.Report, feature: features.Feature) -> str:
    share = feature.missing / report.seen.positions.rows
    gaps = f", {share:.0%} missing" if feature.missing else ""
    return f"{lines.short(feature.name, LETTERS - len(gaps))}{gaps}"


def _panel(
    column: features.Floats, feature: features.Feature
) -> tuple[png.Bytes, list[plates.Text]]:
    """The picture of a column, and texts by pixels of it."""
    if feature.low is not None and feature.high is not None:
        ends = ((0, feature.low, "left"), (WIDE, feature.high, "right"))
        texts = [plates.Text(x, TALL + 3, _number(v), side, "top") for x, v, side in ends]
        return _histogram(column, feature), texts
    bars = np.full((TALL, WIDE), GROUND, np.uint8)
    texts = []
    largest = max((count for _, count in feature.common), default=1)
    for i, (name, count) in enumerate(feature.common[: TALL // BAR]):
        top = i * BAR + 1
        bars[top : top + BAR - 1, : max(1, round(WIDE * count / largest))] = LIGHT
        share = f"{lines.short(name)} {count / len(column):.0%}"
        texts.append(plates.Text(2, top + BAR / 2, share, "left", "center"))
    left = feature.distinct - TALL // BAR
    return bars, [*texts, *([plates.Text(0, TALL + 3, f"+ {left}", "left", "top")] * (left > 0))]


def _number(value: float) -> str:
    """Whole numbers as they are, others with four digits."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < EXACT else f"{value:.4g}"


def _histogram(column: features.Floats, feature: features.Feature) -> png.Bytes:
    """Bars of as many pixels as a bin has rows, the fullest to the top; none is left invisible."""
    bins = feature.distinct if feature.distinct <= BINS // 2 else BINS
    counts, _ = np.histogram(column, bins=max(bins, 1), range=(column.min(), column.max()))
    high = np.ceil(TALL * counts / max(counts.max(), 1)).astype(int)
    edges = np.linspace(0, WIDE, len(counts) + 1).astype(int)
    panel = np.full((TALL, WIDE), GROUND, np.uint8)
    for left, right, height in zip(edges[:-1], edges[1:], high, strict=True):
        panel[TALL - height :, left : max(right - 1, left + 1)] = DARK
    return panel
