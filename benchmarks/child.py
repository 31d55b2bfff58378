"""A function of a benchmark in a fresh process, where nobody has imported torch."""

import json
import subprocess
import sys
from typing import Any

from benchmarks.startup import environment

_CODE = """
import json, sys
from importlib import import_module
module, name, given = sys.argv[1:]
print(json.dumps(getattr(import_module(module), name)(**json.loads(given))))
"""


def call(module: str, name: str, **given: object) -> dict[str, Any]:
    """What `module.name(**given)` gives there; all of it must be JSON-ready."""
    command = [sys.executable, "-c", _CODE, module, name, json.dumps(given)]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
