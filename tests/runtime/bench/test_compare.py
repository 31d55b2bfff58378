import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.bench import compare

Json = dict[str, Any]


def cell(batch: int = 1, p95: float = 2.0, **more: Any) -> Json:  # noqa: ANN401
    model = {"p50_ms": 1.0, "p95_ms": p95, "p999_ms": None, "rows_per_s": 1000.0, "noisy": False}
    key = {"component": "classifier", "variant": "cpu-fp32", "provider": "CPU", "threads": 1}
    rest = {"concurrency": 1, "arrival": "closed", "batcher": False}
    table = {**key, **rest, "batch": batch, "model": model, "ratios": {"raw": {"value": 1.5}}}
    return {**table, **more}


def report(*cells: Json) -> Json:
    return {
        "schema_version": "1.0",
        "bundle": "tiny",
        "id": "a" * 64,
        "started": "2014-06-20T00:00:00+00:00",
        "environment": {"cpu": "one"},
        "settings": {"against": ["raw"]},
        "cells": list(cells) or [cell()],
        "sessions": [{"variant": "auto", "requested": "cpu", "threads": 1, "load_ms": 50.0}],
        "cold_start": {"model": {"total_ms": 100.0, "load_ms": 40.0, "rss_peak": None}},
    }


def judge(new: Json, old: Json | None, *texts: str) -> Json:
    return compare.judge(new, old, compare.conditions(texts, baseline=old is not None))


CASES = {
    "slower": ("p95>+10%", 2.3, False),
    "slower, within the limit": ("p95>+10%", 2.19, True),
    "faster": ("p95>+10%", 1.0, True),
    "spaces": (" p95 > +10 % ", 2.3, False),
    "fractions": ("p95>+0.5%", 2.02, False),
    "below a value": ("p95<3", 2.5, False),
    "above a value": ("p95>3", 2.5, True),
    "two of which one fails": ("p95>9,p95>+10%", 2.3, False),
    "improved, which may fail too": ("p95<-10%", 1.7, False),
}


@pytest.mark.parametrize(("text", "p95", "passes"), CASES.values(), ids=CASES)
def test_a_condition_looks_at_every_cell(text: str, p95: float, passes: bool) -> None:
    old = report(cell(1, 2.0), cell(8, 2.0))
    found = judge(report(cell(1, 2.0 if "<3" not in text else p95), cell(8, p95)), old, text)
    assert found["passed"] is passes
    assert all("batch=8" in one["where"] for one in found["failures"][-1:])
    assert found["missing"] == []


def test_a_failure_says_where_and_how_much() -> None:
    (failure,) = judge(report(cell(1, 3.0)), report(), "p95>+10%")["failures"]
    assert failure["condition"] == "p95>+10%"
    assert "classifier cpu-fp32 CPU threads=1 batch=1" in failure["where"]
    assert (failure["new"], failure["old"], failure["change"]) == (3.0, 2.0, 0.5)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("load_ms>49", False),
        ("load_ms>+10%", True),
        ("cold_ms>99", False),
        ("cold_load_ms>40", True),
        ("ratio>1.4", False),
        ("rows_per_s<-5%", True),
        ("rows_per_s<1001", False),
    ],
)
def test_conditions_look_beyond_latencies(text: str, passes: bool) -> None:
    assert judge(report(), report(), text)["passed"] is passes


def test_what_the_baseline_lacks_is_told() -> None:
    old = report(cell(1), cell(99))
    found = judge(report(cell(1), cell(8)), old, "p95>+10%")
    assert found["passed"]
    assert found["checked"] == 1
    told = "\n".join(found["missing"])
    assert "batch=8 concurrency=1 closed batcher=False: not in the baseline" in told
    assert "batch=99 concurrency=1 closed batcher=False: only in the baseline" in told


def test_a_field_that_the_baseline_lacks_is_told() -> None:
    old = report(cell(1), cell(8))
    del old["cells"][1]["model"]["p95_ms"]
    found = judge(report(cell(1), cell(8)), old, "p95>+10%")
    assert found["passed"]
    (missing,) = found["missing"]
    assert missing.startswith("p95>+10%: ")
    assert missing.endswith(": not in the baseline")


@pytest.mark.parametrize("text", ["p95>+10%", "p999>+10%", "p99.9>3", "rss_peak>+5%"])
def test_a_condition_that_sees_nothing_has_not_passed(text: str) -> None:
    old = report(cell(64))
    found = judge(report(), old, text)
    assert not found["passed"]
    assert any("there was nothing to look at" in one for one in found["missing"])


def test_another_machine_or_bundle_is_warned_about() -> None:
    old = copy.deepcopy(report())
    assert judge(report(), old)["warnings"] == []
    old["environment"]["cpu"], old["id"] = "two", "b" * 64
    old["cells"][0]["model"]["noisy"] = True
    old["settings"]["against"] = ["raw", "torch"]
    machine, rivals, bundle, noisy = judge(report(), old)["warnings"]
    assert "['raw', 'torch'] and ['raw']" in rivals
    assert machine == "the baseline's cpu is 'two', here it is 'one'"
    assert "another bundle" in bundle
    assert noisy == "1 of 1 cells of the baseline are noisy"


@pytest.mark.parametrize("value", [5e-324, 0, 10**400, -1])
def test_a_change_from_a_value_that_measures_nothing_is_no_number(value: float) -> None:
    old = report(cell(p95=value))
    found = judge(report(), old, "p95>+10%", "p95>0")
    assert not found["passed"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_changes_are_told_without_any_condition() -> None:
    found = judge(report(cell(1, 3.0)), report())
    changes = {one["metric"]: one["change"] for one in found["changes"]}
    assert changes == {"p50": 0.0, "p95": 0.5, "rows_per_s": 0.0}
    assert found["passed"]


BAD = (
    *("", "p95", "p95>", ">3", "p95=3", "p95>+10", "p95>10%", "p95>-10%", "p95<+10%", "p95>>3"),
    *("p42>3", "p95>1e3", "p95>+10%,", "p95>" + "9" * 400, "p95 3", "p95>nan", "p95>+%"),
)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(errors.InputError, match="--fail-if is") as caught:
        compare.conditions([text], baseline=True)
    assert caught.value.expected


def test_a_change_needs_a_baseline() -> None:
    with pytest.raises(errors.InputError, match="expected a baseline"):
        compare.conditions(["p95>+10%"], baseline=False)
    assert compare.conditions(["p95>10"], baseline=False)


FILES: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "{",
    "no object": "[]",
    "no report": "{}",
    "no UTF-8": b"\xff\xfe",
    "NaN": '{"schema_version": "1.0", "cells": [NaN]}',
    "another version": '{"schema_version": "2.0"}',
    "a version that is none": '{"schema_version": 1}',
    "deep": '{"a":' * 100 + "1" + "}" * 100,
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_file_that_is_no_baseline(tmp_path: Path, content: str | bytes) -> None:
    place = tmp_path / "old.json"
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(errors.DataError) as caught:
        compare.read(place)
    assert caught.value.mend
    assert "Convert" not in str(caught.value)


def test_a_baseline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(errors.DataNotFound):
        compare.read(tmp_path)


ODD: dict[str, Json] = {
    "nothing": {},
    "other kinds": {"cells": {}, "sessions": 3, "environment": []},
    "other entries": {"cells": [1, None, {"model": 3}, {"component": []}]},
    "words for numbers": {"cells": [cell(model={"p95_ms": "2", "p50_ms": True})]},
    "zeros": {"cells": [cell(p95=0.0)]},
}


@pytest.mark.parametrize("old", ODD.values(), ids=ODD)
def test_a_damaged_baseline_is_told_and_not_trusted(tmp_path: Path, old: Json) -> None:
    place = tmp_path / "old.json"
    place.write_text(json.dumps({"schema_version": "1.7", **old}))
    found = judge(report(), compare.read(place), "p95>+10%", "p50>9")
    assert not found["passed"]
    assert found["missing"]
    assert found["warnings"]
    json.dumps(found, allow_nan=False)
