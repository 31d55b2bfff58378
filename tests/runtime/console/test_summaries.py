import io
import os

from ssdgm_runtime import terminal
from ssdgm_runtime.console import summaries


def test_numbers_stand_to_the_right() -> None:
    rows = [("a", 1, "1.5", "x"), ("bb", 20, "22.25", "yy")]
    assert terminal.table(rows, ("name", "n", "time", "what")) == (
        "name   n   time  what\na      1    1.5  x\nbb    20  22.25  yy"
    )


def test_say_adds_a_newline() -> None:
    stream = io.StringIO()
    terminal.say("text", stream)
    assert stream.getvalue() == "text\n"


def test_say_leaves_a_stream_that_nobody_reads_usable() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stream:
        terminal.say("text", stream)
        terminal.say("more", stream)
        stream.write("unflushed")


def test_a_name_with_a_comma_is_quoted_in_a_list() -> None:
    table = {
        **{
            "name": "a",
            "description": "b",
            "id": "c",
            "version": "1",
            "created": "2026-01-31T00:00",
        },
        **{"tasks": [], "labels": ["red, round", "ripe"], "columns": [], "graphs": {}},
        **{"variants": [], "resize": None, "series": None, "training": None, "model": None},
    }
    assert "labels  'red, round', ripe" in summaries.inspect(table)
