"""Bundles of tables: golden rows with gaps, gates on numbers and categories, every method."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import exported
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import ssdgm_export
from ssdgm_export.bundle import golden
from ssdgm_export.graphs import modules
from ssdgm_export.proof import allowance, gate, units
from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_train import METHODS
from ssdgm_train.labels import Classes
from ssdgm_train.runs import directory, loading

Array = NDArray[Any]
LOOSE = allowance.Limits(1.0, 1.0)
SPACE = exported.labels(3)
KINDS = ("columns-float32", "categories", "flag")
CASES = [
    *(("m2", kind) for kind in KINDS),
    *(
        pytest.param(name, "flag", marks=pytest.mark.slow)
        for name in cases.METHODS
        if name != "m2"
    ),
]
"""M2 on any table, and every method on the smallest."""


def place(factory: pytest.TempPathFactory, name: str, kind: str) -> Path:
    """A folder with a run and its bundle, in every precision and fused if it has two parts."""

    def make(folder: Path) -> None:
        run = exported.train(folder, name, kind)
        ssdgm_export.convert(
            run,
            folder / "bundle.ssdgm",
            precision="fp32,int8,fp16",
            limits=LOOSE,
            fuse="encode" in METHODS[name].tasks,
        )

    return exported.once(factory, f"table {name} {kind}", make)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_method_ships_tables_of_any_columns(
    name: str, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = place(tmp_path_factory, name, kind)
    rows = exported.rows(folder / "run")[:9]
    with model.load(folder / "bundle.ssdgm", provider="cpu") as opened:
        assert opened.verify().passed
        known = opened.graphs.bundle.manifest.columns
        assert known == cases.TABLES[kind].columns
        mean = opened.space.mean
        plain, named = (opened.classify(x) for x in (rows, table.named(rows, known)))
        np.testing.assert_array_equal(getattr(plain, mean), getattr(named, mean))
        if "generate" in METHODS[name].tasks:
            drawn = opened.generate(n=5, seed=1, sample=True).x
            assert drawn.shape[1:] == rows.shape[1:]
            assert not np.isnan(drawn).any()
            assert opened.reconstruct(rows).shape == rows.shape


@pytest.fixture
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[model.Model]:
    with model.load(
        place(tmp_path_factory, "m2", "columns-float32") / "bundle.ssdgm", provider="cpu"
    ) as one:
        yield one


def usual(opened: model.Model) -> dict[str, object]:
    """A row by name with nothing in it."""
    return dict.fromkeys([c.name for c in opened.graphs.bundle.manifest.columns])


def test_rows_by_name_are_a_stream_too(opened: model.Model) -> None:
    rows = [{**usual(opened), "a": i / 7} for i in range(7)]
    found = list(opened.classify_iter(iter(rows), batch_size=3))
    assert [len(part) for part in found] == [3, 3, 1]
    expected = opened.classify(rows).probs
    np.testing.assert_array_equal(np.concatenate([p.probs for p in found]), expected)


def test_a_stream_of_rows_by_name_is_told_of_once_and_together(opened: model.Model) -> None:
    known = next(c for c in opened.graphs.bundle.manifest.columns if c.kind == table.CATEGORY)
    rows = [{**usual(opened), known.name: "odd" if i == 3 else None} for i in range(8)]
    with pytest.warns(DriftWarning, match="in 12% of the rows") as caught:
        list(opened.classify_iter(iter(rows * 2), batch_size=8))
    assert len(caught) == 1


def test_a_wrong_row_by_name_comes_after_those_before_it(opened: model.Model) -> None:
    good = usual(opened)
    rows = opened.classify_iter([good, good, {"none": 1}, good], batch_size=1)
    assert len(next(rows)) == len(next(rows)) == 1
    with pytest.raises(errors.InputError, match="a table without"):
        next(rows)
    found = opened.classify_iter([good, good, {"none": 1}, good], batch_size=4)
    assert len(next(found)) == 2
    with pytest.raises(errors.InputError, match="a table without"):
        next(found)


def test_a_source_that_fails_gives_what_came_before(opened: model.Model) -> None:
    def source() -> Iterator[dict[str, object]]:
        yield usual(opened)
        raise OSError("gone")

    rows = opened.classify_iter(source())
    assert len(next(rows)) == 1
    with pytest.raises(OSError, match="gone"):
        next(rows)


def test_a_source_keeps_its_own_context(opened: model.Model) -> None:
    def source() -> Iterator[dict[str, object]]:
        with np.errstate(all="ignore"):  # is a variable of the context
            yield from [usual(opened)] * 3

    assert len(list(opened.classify_iter(source(), batch_size=1))) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_golden_rows_lack_values_and_are_nobody_s(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = place(tmp_path_factory, "m2", kind) / "run"
    problem = exported.problem(run)
    rows = golden.rows(exported.traced_modules(run), problem)
    assert (rows.shape, rows.dtype) == ((golden.ROWS, len(problem.columns)), np.float32)
    count = problem.numbers
    numbers, codes = rows[:, :count], rows[:, count:]
    assert np.isnan(numbers[-1]).all()
    assert np.isfinite(numbers[:-1]).all()
    assert (codes[-2] == table.UNKNOWN).all()
    assert ((codes >= table.UNKNOWN) & (codes < np.array(problem.blocks, int))).all()
    if count:
        theirs = {row.tobytes() for row in exported.rows(run)}
        assert not any(row.tobytes() in theirs for row in rows)


def test_golden_rows_ship_as_typed_tensors(tmp_path_factory: pytest.TempPathFactory) -> None:
    shipped = place(tmp_path_factory, "m2", "columns-float32") / "bundle.ssdgm/golden/classifier"
    found = {path.stem: np.load(path) for path in shipped.glob("*.npy")}
    assert {name: (a.dtype.name, a.shape[1]) for name, a in found.items()} == {
        "x": ("float32", 3),
        "codes": ("int64", 2),
    }
    assert np.isnan(found["x"]).any()
    assert (found["codes"] == table.UNKNOWN).any()


def test_golden_rows_may_come_from_a_table(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = place(tmp_path_factory, "m2", "columns-float32") / "run"
    record, found = directory.Run(run).read(), exported.traced_modules(run)
    given = run.parent / "rows.csv"
    taken = golden.chosen(found, record, given)
    np.testing.assert_array_equal(taken, exported.rows(run)[: golden.ROWS])
    (tmp_path / "none.csv").write_text(given.read_text().split("\n")[0])
    with pytest.raises(errors.DataError, match=r"has 0 rows \[5\] float32"):
        golden.chosen(found, record, tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(errors.DataError, match="has no column 'c'"):
        golden.chosen(found, record, tmp_path / "other.csv")
    with pytest.raises(errors.DataError, match="There is no file"):
        golden.chosen(found, record, tmp_path / "nowhere.csv")


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_gates_measure_tables_of_any_columns(
    name: str, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shipped = place(tmp_path_factory, name, kind) / "bundle.ssdgm"
    every = json.loads((shipped / "reports/precision.json").read_text())["gates"]
    gates = [g for g in every if g["component"] != "prior"]
    assert {g["measure"] for g in every if g["component"] == "prior"} <= {"nothing"}
    measured = {"distortion"} if "reconstruct" in METHODS[name].tasks else set()
    measured |= {"change"} if METHODS[name].knows(Classes) else set()  # scores are fp32 alone
    assert {g["measure"] for g in gates} == measured
    assert {g["precision"] for g in gates} == {"int8", "fp16"}
    assert all(g["passed"] and g["rows"] >= 30 for g in gates)
    assert all(0 < g["fp32"] < 10 for g in gates if g["measure"] == "distortion")
    assert all(g["batch_gap"] == 0 for g in gates if g["precision"] == "int8")


def judge(run: Path, kind: str) -> tuple[gate.Judge, dict[str, bytes]]:
    """A judge of a run's graphs, and their files."""
    found = exported.traced_modules(run)
    files = {
        name: (run.parent / f"bundle.ssdgm/models/{name}/fp32/model.onnx").read_bytes()
        for name in found
    }
    x = exported.rows(run)
    rows = gate.Rows(x, np.zeros(len(x), np.int64), "labelled", SPACE, cases.TABLES[kind].columns)
    names = {k: tuple(t.name for t in graph.spec.inputs) for k, graph in found.items()}
    return gate.Judge(files, names, rows, allowance.Limits()), files


def changed(data: bytes, output: str, *operators: str) -> bytes:
    """A graph that does more to an output."""
    found = onnx.load_model_from_string(data)
    names = [f"{output}_{i}" for i in range(len(operators))] + [output]
    for node in found.graph.node:
        node.output[:] = [names[0] if name == output else name for name in node.output]
    for kind, before, after in zip(operators, names, names[1:], strict=False):
        found.graph.node.append(onnx.helper.make_node(kind, [before], [after]))
    return bytes(found.SerializeToString())


@pytest.mark.parametrize("output", ["x", "code_probs"])
def test_a_decoder_that_spoils_either_sort_of_columns_does_not_pass(
    output: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kind = "columns-float32"
    judged, files = judge(place(tmp_path_factory, "m2", kind) / "run", kind)
    (same,) = judged.judge("decoder", "fp32", files["decoder"])
    assert (same.measure, same.cost, same.passed) == ("distortion", 0, True)
    (found,) = judged.judge("decoder", "fp16", changed(files["decoder"], output, "Neg"))
    assert found.cost > 0.1
    assert not found.passed


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_that_is_not_finite_does_not_pass(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    judged, files = judge(place(tmp_path_factory, "m2", kind) / "run", kind)
    output = "x" if cases.TABLES[kind].columns[0].kind == table.NUMBER else "code_probs"
    broken = changed(files["decoder"], output, "Neg", "Log")
    (found,) = judged.judge("decoder", "fp16", broken)
    assert found.found == tolerance.HUGE
    assert not found.passed


def test_the_distortion_of_numbers_does_not_depend_on_their_units(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A reconstruction by the columns' means has as much distortion as there are columns."""
    x = np.array([[1e6, 0.1], [3e6, 0.3], [np.nan, 0.2]], np.float32)
    known = (table.Column("a"), table.Column("b"))
    found = units.units({"x": x}, known)["x"]
    np.testing.assert_allclose(found, np.nanvar(x.astype(np.float64), axis=0))
    np.testing.assert_array_equal(units.units({"x": x * 0}, known)["x"], [1, 1])


def test_graphs_take_the_rows_of_a_table_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = place(tmp_path_factory, "m2", "columns-float32") / "run"
    found = exported.traced_modules(run)
    x = exported.rows(run)[:4]
    given = found["encoder"].taken(x)
    assert {k: v.dtype.name for k, v in given.items()} == {"x": "float32", "codes": "int64"}
    assert found["decoder"].taken(x) == {}
    np.testing.assert_array_equal(
        table.whole(given, cases.TABLE), np.where(np.isnan(x) & (np.arange(5) > 2), -1, x)
    )
    assert modules.FUSED in modules.of(
        loading.load_model(directory.Run(run)), exported.problem(run), fuse=True
    )
