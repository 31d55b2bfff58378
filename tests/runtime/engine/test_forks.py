import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, sys
import numpy as np
from ssdgm_runtime import model

opened = model.load(sys.argv[1], provider="cpu", threads=2)
x = np.random.default_rng(0).integers(0, 17, (40, 4, 4)).astype(np.uint8)
expected = [opened.classify(rows).logits for rows in (x, x[:2])]
engines = opened.graphs._sessions["classifier"]._engines
inherited = set(engines)
child = os.fork()
if child == 0:
    for rows, logits in zip((x, x[:2]), expected):
        np.testing.assert_array_equal(opened.classify(rows).logits, logits)
    assert {key[0] for key in set(engines) - inherited} == {os.getpid()}
    assert len(engines) == 2 * len(inherited) == 4
    opened.generate(0, n=20, seed=0)
    opened.close()
    print("child", flush=True)
    sys.exit(7)
status = os.waitpid(child, 0)[1]
np.testing.assert_array_equal(opened.classify(x).logits, expected[0])
assert set(engines) == inherited
print("parent", os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_answers_and_exits(data: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(data / "tiny.ssdgm")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["child", "parent 7", ""]


GARBAGE = """
import gc, os, sys, time
import numpy as np
gc.disable()
os.register_at_fork(after_in_child=gc.collect)  # as it may happen to run, before anything of ours
from ssdgm_runtime import model

opened = model.load(sys.argv[1], provider="cpu", threads=2)
opened.classify(np.zeros((40, 4, 4), np.uint8))
opened.itself = opened
del opened
child = os.fork()
if child == 0:
    os._exit(7)
end = time.monotonic() + 20
while not (found := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
    time.sleep(0.01)
if not found[0]:
    os.kill(child, 9)
print(found[0] == child and os.waitstatus_to_exitcode(found[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_model_that_nobody_has_any_more_is_not_collected_in_a_child(data: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", GARBAGE, str(data / "tiny.ssdgm")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "7\n", done.stderr


def test_each_process_has_its_own_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    from ssdgm_runtime.engine import forks

    mine = forks.lock()
    assert forks.lock() is mine
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert forks.lock() is not mine
