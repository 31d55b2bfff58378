import io
import os

from ssdgm_runtime import show

OWN = {"p50_ms": 1.25, "p95_ms": 2.0, "p99_ms": 10.0, "rows_per_s": 12345.6}
CELL = {"component": "decoder", "batch": 64, "model": OWN, "bare": {"p50_ms": 1.0}, "ratio": 1.25}


def test_numbers_stand_to_the_right() -> None:
    rows = [("a", 1, "1.5", "x"), ("bb", 20, "22.25", "yy")]
    assert show.table(rows, ("name", "n", "time", "what")) == (
        "name   n   time  what\na      1    1.5  x\nbb    20  22.25  yy"
    )


def test_bench() -> None:
    report = {"cells": [CELL, {**CELL, "batch": 1}], "load_ms": 7.04}
    head, first, second, last = show.bench(report).split("\n")
    assert head.split("  ")[0] == "graph"
    assert first.split() == [
        "decoder", "64", "1.250", "2.000", "10.000", "12346", "1.000", "1.25"
    ]  # fmt: skip
    assert len(head) == len(first) == len(second)
    assert last == "opened and warmed up in 7.0 ms"


def test_say_adds_a_newline() -> None:
    stream = io.StringIO()
    show.say("text", stream)
    assert stream.getvalue() == "text\n"


def test_say_leaves_a_stream_that_nobody_reads_usable() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stream:
        show.say("text", stream)
        show.say("more", stream)
        stream.write("unflushed")
