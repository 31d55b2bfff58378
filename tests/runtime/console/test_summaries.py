import io
import os

from ssdgm_runtime import terminal


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
