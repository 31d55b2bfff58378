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
child = os.fork()
if child == 0:
    for rows, logits in zip((x, x[:2]), expected):
        np.testing.assert_array_equal(opened.classify(rows).logits, logits)
    opened.generate(0, n=20, seed=0)
    opened.close()
    print("child", flush=True)
    sys.exit(7)
status = os.waitpid(child, 0)[1]
np.testing.assert_array_equal(opened.classify(x).logits, expected[0])
print("parent", os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_answers_and_exits(data: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(data / "tiny.ssdgm")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["child", "parent 7", ""]


def test_each_process_has_its_own_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    from ssdgm_runtime import forks

    mine = forks.lock()
    assert forks.lock() is mine
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert forks.lock() is not mine
