"""A sheet of rows with several views: the first of them that are pictures, else the first."""

import dataclasses

from ssdgm_export.sheet import columns, pictures, series
from ssdgm_runtime.rows.views.view import View, spans
from ssdgm_train import inspection, problems
from ssdgm_train.inspection import features


def draw(report: inspection.Report) -> bytes:
    """Draw the rows that have it."""
    views = [*spans(report.data.views)]
    ranked = sorted(views, key=lambda pair: pair[0].kind not in (problems.IMAGE, problems.WINDOWS))
    known, places = ranked[0]
    ways = {problems.IMAGE: pictures.draw, problems.WINDOWS: series.draw}
    return ways.get(known.kind, columns.draw)(_alone(report, known, places))


def _alone(report: inspection.Report, known: View, places: slice) -> inspection.Report:
    """The report as if its rows had but one view."""
    data = report.data
    there = report.data.x[:, places.start] == report.data.x[:, places.start]
    x = data.x[there, places].reshape(-1, *known.shape).astype(known.dtype)
    name = f"{data.name}, {known.name}"
    one = dataclasses.replace(data, name=name, x=x, y=data.y[there], kind=known.kind, views=())
    passage = features.Passage(one)
    passage.add(x)
    sample = features.values(x[:: max(1, len(x) // 1000)], ())
    seen = dataclasses.replace(
        report.seen,
        data=one,
        positions=passage.positions,
        features=features.summarise(one, passage.positions, sample),
        sample=sample,
    )
    return dataclasses.replace(report, data=one, seen=seen)
