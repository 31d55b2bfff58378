"""Random attacks on whatever reads files: mutants of good ones, with digests made right again.

    python tests/fuzz.py --seconds 60 [--target graphs] [--seed 0] [--out findings]
    python tests/fuzz.py --inputs 1000000 --target graphs

Nothing but an error of ours may come of a mutant, within two seconds. Of graphs that pass the
check, onnx's parser (`graphs`) and the engine's own (`readings`) must have read the same tree, and
no operator may end the engine's process (`engine`): those are run in forks. What is found is
written to a folder with the seed that makes it, and the exit code is 1. A number of inputs is kept
account of in that folder: started again, the script goes on where it was stopped.
"""

import argparse
import gzip
import io
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import onnx
from onnx import defs, helper, numpy_helper

from ssdgm_runtime import atomic, errors, model
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.bundle.graph import check, operators, wire
from ssdgm_runtime.engine import opening, session
from ssdgm_runtime.engine.options import Options
from ssdgm_runtime.readers import inputs, tables
from ssdgm_runtime.rows import columns

DATA = Path(__file__).parent / "runtime/data"
SECONDS, MEMORY = 2.0, 8 << 30
Random = random.Random
Attack = Callable[[Random, Path], bytes]
"""A mutant is made and tried, in an empty folder; gives its bytes. AssertionError is a finding."""


class Finding(AssertionError):
    """What a mutant did, and its bytes."""

    def __init__(self, what: str, data: bytes) -> None:
        super().__init__(what)
        self.data = data


def mutated(data: bytes, draw: Random) -> bytes:
    """Bytes with a few flips, cuts, copies, odd numbers and swaps."""
    made = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4, 8))):
        at, size = draw.randrange(len(made) + 1), draw.choice((1, 1, 2, 4, 16, 64))
        way = draw.randrange(6)
        if way == 0 and at < len(made):
            made[at] ^= 1 << draw.randrange(8)
        elif way == 1 and at < len(made):
            made[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif way == 2:
            del made[at : at + size]
        elif way == 3:
            made[at:at] = draw.randbytes(size)
        elif way == 4:
            other = draw.randrange(len(made) + 1)
            made[at:at] = made[other : other + size]
        else:
            made[at : at + size] = draw.choice((b"\xff" * 5, b"\x80" * 9 + b"\x01", b"\0" * size))
    return bytes(made)


def only_ours(act: Callable[[], object], data: bytes) -> bool:
    """Whether nothing was raised; only errors of ours may be, and soon."""
    begin = time.process_time()
    try:
        act()
    except errors.SsdgmError as error:
        if len(str(error)) > 2500:
            raise Finding(f"a message of {len(str(error))} characters", data) from None
        return False
    except BaseException as error:
        raise Finding(f"{type(error).__name__}: {error}", data) from error
    finally:
        if time.process_time() - begin > SECONDS:
            raise Finding(f"{time.process_time() - begin:.1f} seconds", data)
    return True


GRAPHS = sorted(DATA.rglob("*.onnx"))


def graphs(draw: Random, _: Path) -> bytes:
    """Bytes of a graph; what passes is read by onnx as it was read here."""
    source = draw.choice(GRAPHS).read_bytes()
    data = mutated(source, draw) if draw.random() < 0.5 else shuffled(source, draw)
    if only_ours(lambda: check.check(data, "graph"), data):
        agree(data)
    return data


def readings(draw: Random, folder: Path) -> bytes:
    """Graphs that pass, as the engine's own parser reads them: it writes down what it has read.

    An input is forty of them, for which some 370 mutants are made.
    """
    batch: list[bytes] = []
    for _ in range(2000):
        source = draw.choice(GRAPHS).read_bytes()
        data = mutated(source, draw) if draw.random() < 0.5 else shuffled(source, draw)
        if data != source and only_ours(lambda d=data: check.check(d, "graph"), data):
            batch.append(data)
        if len(batch) == 40:
            break
    note = folder / "at"
    child = os.fork()
    if not child:
        _reread(batch, note, folder / "read.onnx")
    _, status = os.waitpid(child, 0)
    if status:
        what = {DIFFERS: "the engine reads another graph"}
        told = what.get(os.waitstatus_to_exitcode(status), f"the engine's process ended: {status}")
        raise Finding(told, batch[int(note.read_text())])
    return batch[-1]


DIFFERS = 77
"""The exit code of a fork whose engine read another graph."""


def _reread(batch: list[bytes], note: Path, out: Path) -> None:
    """Let the engine write down each graph as it read it, and compare; ends this fork."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for number, data in enumerate(batch):
        note.write_text(str(number))
        signal.alarm(10)
        try:
            read = read_by_engine(data, out)
        except Exception:
            continue  # what the engine does not open cannot be read in two ways
        if not same(read, wire.File(data)):
            os._exit(DIFFERS)
    os._exit(0)


def read_by_engine(data: bytes, out: Path) -> Any:  # noqa: ANN401  (a GraphProto)
    """A graph as the engine has read it, which it writes down before it changes anything."""
    ort = session.engine()
    plain = ort.SessionOptions()
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain.optimized_model_filepath = str(out)
    plain.log_severity_level = 4
    ort.InferenceSession(data, plain, providers=["CPUExecutionProvider"])
    return onnx.load(out).graph


def same(theirs: Any, file: wire.File) -> bool:  # noqa: ANN401  (a GraphProto)
    """Whether nodes, what they compute, and the graph's ports are what was read here.

    The engine gives nodes in an order of its own, drops weights that nothing uses and names what
    it cannot do without, so the comparison is of sets of nodes by what they give.
    """
    text, ours = file.text, file.model.one(7)
    mine = {(text(n.one(4)), *map(text, n.all(2))) for n in ours.all(1)}
    other = {(n.op_type, *n.output) for n in theirs.node}
    weights = {text(t.one(8)) for t in ours.all(5)}
    ports = [text(p.one(1)) for p in ours.all(11)], [text(p.one(1)) for p in ours.all(12)]
    read = [p.name for p in theirs.input], [p.name for p in theirs.output]
    return mine == other and ports == read and {t.name for t in theirs.initializer} <= weights


def shuffled(source: bytes, draw: Random) -> bytes:
    """A graph of whose messages some are doubled, dropped, or given other fields' values."""
    import wire as raw

    top = raw.read(source, onnx.ModelProto.DESCRIPTOR)
    for _ in range(draw.randrange(1, 4)):
        lists = [top, *(f.value for f in raw.walk(top) if isinstance(f.value, list) and f.value)]
        place = draw.choice(lists)
        entry = draw.choice(place)
        way = draw.randrange(5)
        if way == 0:
            place.append(entry)
        elif way == 1:
            place.remove(entry)
        elif way == 2:
            entry.more = draw.choice(((1, 0), (0, 1)))
        elif way == 3:
            entry.tag ^= draw.choice((1, 2, 8, 16, 1 << 32, 1 << 35))
        elif isinstance(entry.value, int):
            entry.value = draw.choice((0, 1, 2**31, 2**32 + entry.value, 2**63, 2**64 - 1))
        if not top:
            break
    try:
        return raw.write(top)
    except (TypeError, ValueError, OverflowError):  # a tag that says another kind of value
        return source


def agree(data: bytes) -> None:
    """Compare what was read here with what onnx's parser reads."""
    try:
        theirs = onnx.ModelProto.FromString(data)
    except Exception as error:
        raise Finding(f"it passes, and onnx cannot read it: {error}", data) from None
    file = wire.File(data)
    ours = file.model.one(7)
    text = file.text
    mine = [(text(n.one(4)), text(n.one(7)), len(n.all(1)), len(n.all(5))) for n in ours.all(1)]
    other = [(n.op_type, n.domain, len(n.input), len(n.attribute)) for n in theirs.graph.node]
    weights = [text(t.one(8)) for t in ours.all(5)]
    outside = [t.name for t in theirs.graph.initializer if t.external_data or t.data_location]
    again = onnx.ModelProto.FromString(theirs.SerializeToString())
    if mine != other or weights != [t.name for t in theirs.graph.initializer]:
        raise Finding("onnx reads another graph", data)
    if outside or theirs.functions or theirs.training_info or again != theirs:
        raise Finding("onnx reads what is refused", data)


SHAPES = [
    (),
    (0,),
    (1,),
    (3,),
    (2, 3),
    (0, 3),
    (1, 2, 4, 4),
    (0, 2, 4, 4),
    (1, 0, 4, 4),
    (2, 1, 3),
]
NUMBERS = [0, -1, 1, 2, -2, 3, 2**31 - 1, 2**31, -(2**31), 2**62, -(2**63), 2**63 - 1, 1000]
KINDS = {f"tensor({n})": np.dtype(n) for n in ("int64", "int32", "uint8", "int8", "bool")}
KINDS |= {"tensor(float)": np.dtype(np.float32), "tensor(double)": np.dtype(np.float64)}


def array(draw: Random, dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    if dtype.kind in "fb":
        pool: list[Any] = [0, 1, -1, 0.5, np.nan, np.inf, 1e30] if dtype.kind == "f" else [0, 1]
    else:
        limits = np.iinfo(dtype)
        pool = [n for n in NUMBERS if limits.min <= n <= limits.max] + [limits.min, limits.max]
    return np.array([draw.choice(pool) for _ in range(count)], dtype).reshape(shape)


def one_node(draw: Random) -> tuple[bytes, dict[str, np.ndarray]]:
    """A graph of one operator with odd inputs and attributes."""
    schema = defs.get_schema(draw.choice(sorted(operators.GIVES)), 18, "")
    kinds = {
        c.type_param_str: draw.choice([t for t in c.allowed_type_strs if t in KINDS] or [""])
        for c in schema.type_constraints
    }
    same = draw.choice(SHAPES) if draw.random() < 0.6 else None
    names, weights, ports, feeds = [], [], [], {}
    for i, given in enumerate(schema.inputs):
        if given.option.name == "Optional" and draw.random() < 0.4:
            names.append("")
            continue
        dtype = KINDS.get(kinds.get(given.type_str, given.type_str), np.dtype(np.float32))
        shape = draw.choice(SHAPES) if same is None or draw.random() < 0.2 else same
        name, value = f"i{i}", array(draw, dtype, shape)
        names.append(name)
        if draw.random() < 0.6:
            weights.append(numpy_helper.from_array(value, name))
        else:
            kind = helper.np_dtype_to_tensor_dtype(value.dtype)
            ports.append(helper.make_tensor_value_info(name, kind, [None] * value.ndim))
            feeds[name] = value
    made = helper.make_node(schema.name, names, ["out"], **dict(_attributes(schema, draw)))
    graph = helper.make_graph([made], "g", ports, [onnx.ValueInfoProto(name="out")], weights)
    opset = helper.make_opsetid("", 18)
    whole = helper.make_model(graph, opset_imports=[opset], ir_version=10)
    return whole.SerializeToString(), feeds


def _attributes(schema: Any, draw: Random) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    for name, given in schema.attributes.items():
        if draw.random() < 0.5 and not given.required:
            continue
        kind = given.type.name
        small = draw.choice((NUMBERS, NUMBERS[:6]))
        if kind == "INT":
            yield name, draw.choice(small)
        elif kind == "INTS":
            yield name, [draw.choice(small) for _ in range(draw.randrange(1, 5))]
        elif kind == "FLOAT":
            yield name, draw.choice((0.0, -1.0, float("nan"), float("inf")))
        elif kind == "STRING":
            words = ("SAME_UPPER", "VALID", "ij,jk->ik", "i,i->", "", "edge", "linear", "DCR")
            yield name, draw.choice(words)


def engine(draw: Random, folder: Path) -> bytes:
    """Operators that pass, run by the engine in a fork: none may end it, or never end."""
    batch = []
    while len(batch) < 20:
        try:
            data, feeds = one_node(draw)
            check.check(data, "graph")
            batch.append((data, feeds))
        except (errors.FormatError, ValueError, TypeError):
            continue
    note = folder / "at"
    child = os.fork()
    if not child:
        _run(batch, note)
    _, status = os.waitpid(child, 0)
    if status:
        data = batch[int(note.read_text())][0]
        if status != signal.SIGALRM:
            raise Finding(f"the engine's process ended with status {status}", data)
    return batch[-1][0]


def _run(batch: list[tuple[bytes, dict[str, np.ndarray]]], note: Path) -> None:
    """Run every graph in this fork, which ends with them."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    ort = session.engine()
    for number, (data, feeds) in enumerate(batch):
        note.write_text(str(number))
        signal.alarm(10)  # memory that is asked for and filled, which only a budget ends
        opened, _ = opening.attempt(ort, data, "CPUExecutionProvider", 1, Options())
        try:
            if opened is not None:
                opened.run(None, feeds)
        except Exception:
            continue
    os._exit(0)


def bundles(draw: Random, folder: Path) -> bytes:
    """A file of a bundle, its digest made right again; opened, verified and used."""
    import shutil

    place = folder / "b.ssdgm"
    shutil.copytree(DATA / "tiny.ssdgm", place, dirs_exist_ok=True)
    names = [p for p in sorted(place.rglob("*")) if p.is_file()]
    target = draw.choice(names)
    data = mutated(target.read_bytes(), draw)
    target.write_bytes(data)
    if target.name != contents.SUMS:
        handmade.reseal(place)

    def use() -> None:
        with model.load(place, provider="cpu", threads=1) as opened:
            opened.verify()
            x = opened.graphs.graph("classifier", "fuzz").inputs[0]
            opened.classify(np.zeros((2, *x.row), x.dtype))

    only_ours(use, data)
    return data


def zips(draw: Random, folder: Path) -> bytes:
    """A zip whose bytes were changed."""
    place = folder / "b.zip"
    data = mutated(zipped(draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))), draw)
    place.write_bytes(data)
    only_ours(lambda: contents.open_bundle(place), data)
    return data


def zipped(method: int) -> bytes:
    """A bundle as a zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for path in sorted((DATA / "tiny.ssdgm").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(DATA / "tiny.ssdgm").as_posix())
    return stream.getvalue()


def manifests(draw: Random, folder: Path) -> bytes:
    """A manifest in which a value was replaced by an odd one."""
    from ssdgm_runtime.bundle import manifest

    name = draw.choice(("tiny", "noisy", "tagged", "mixture", "adversary"))
    document = json.loads((DATA / f"{name}.ssdgm/manifest.json").read_text())
    for _ in range(draw.randrange(1, 4)):
        table: Any = document
        while True:
            keys: list[Any] = list(table) if isinstance(table, dict) else list(range(len(table)))
            if not keys:
                break
            key = draw.choice(keys)
            if isinstance(table[key], dict | list) and draw.random() < 0.8:
                table = table[key]
                continue
            odd = (None, True, -1, 10**400, 1e308, "", "x" * 3000, [], {}, [[]], "\ud800", 2**63)
            table[key] = draw.choice(odd)
            break
    data = json.dumps(document).encode()
    only_ours(lambda: manifest.loads(data), data)
    return data


def arrays(draw: Random, folder: Path) -> bytes:
    """An array of a data file: npy, npz, IDX, plain or packed."""
    kind = draw.choice(KINDS_OF_ARRAYS)
    whole = array_file(kind, draw.choice((np.savez, np.savez_compressed)))
    if kind == "gz" and draw.random() < 0.5:
        whole = gzip.compress(mutated(gzip.decompress(whole), draw), mtime=0)
    data = mutated(whole, draw)
    place = folder / f"a.{kind}"
    place.write_bytes(data)
    only_ours(lambda: inputs.read_rows(place), data)
    return data


KINDS_OF_ARRAYS = ("npy", "npz", "idx", "gz")


def array_file(kind: str, save: Callable[..., None] = np.savez) -> bytes:
    """A good file of an array."""
    stream, values = io.BytesIO(), np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    if kind == "npy":
        np.save(stream, values)
    elif kind == "npz":
        save(stream, x=values, y=values)
    else:
        stream.write(handmade.idx(values))
    return gzip.compress(stream.getvalue(), mtime=0) if kind == "gz" else stream.getvalue()


TABLE = b"a,b,c\n1,x,true\n2.5,y,false\n,z,\n1e3,x,TRUE\n"
COLUMNS = columns.parse(
    [
        {"name": "a", "kind": "number"},
        {"name": "b", "kind": "category", "categories": ["x", "y"]},
        {"name": "c", "kind": "boolean", "categories": ["false", "true"]},
    ]
)


def csv(draw: Random, folder: Path) -> bytes:
    """A table of text."""
    data = mutated(TABLE, draw)
    place = folder / "a.csv"
    place.write_bytes(data)
    only_ours(lambda: tables.read(place, COLUMNS), data)
    return data


TARGETS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (graphs, readings, engine, bundles, zips, manifests, arrays, csv)
}


KEPT = 200
"""After how many inputs the account of them is written."""


def attack(
    target: str,
    seconds: float,
    seed: int,
    out: Path | None = None,
    inputs: int | None = None,
) -> tuple[int, int]:
    """Attack a target for so long; how many mutants were tried, and how many findings.

    With `inputs` so many are tried instead, counting those that an earlier call with the same
    seed and folder tried.
    """
    tried, findings, until = 0, 0, time.monotonic() + seconds
    account = out / f"{target}-{seed}.json" if out and inputs else None
    if account and account.exists():
        tried, findings = json.loads(account.read_text())
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < until if inputs is None else tried < inputs:
            number = seed + tried
            tried += 1
            try:
                TARGETS[target](Random(f"{target} {number}"), Path(folder))
            except Finding as finding:
                findings += 1
                sys.stdout.write(f"{target} {number}: {finding}\n")
                if out:
                    out.mkdir(parents=True, exist_ok=True)
                    (out / f"{target}-{number}").write_bytes(finding.data)
            if account and (tried % KEPT == 0 or tried == inputs):
                account.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(account, json.dumps([tried, findings]).encode(), force=True)
    return tried, findings


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument(
        "--inputs", type=int, help="so many for each target, however long it takes"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("findings"))
    given = parser.parse_args(argv)
    bad = 0
    for target in given.target or TARGETS:
        tried, findings = attack(target, given.seconds, given.seed, given.out, given.inputs)
        sys.stdout.write(f"{target}: {tried} mutants, {findings} findings\n")
        sys.stdout.flush()
        bad += findings
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
