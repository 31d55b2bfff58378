"""Help, version and completion: complete, and light."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssdgm_export
from ssdgm_runtime.console import catalogue
from ssdgm_runtime.console.command import Command

Tool = Callable[..., Any]
COMMANDS = (
    *("methods", "train", "evaluate", "report", "convert", "inspect", "verify"),
    *("classify", "generate", "bench", "doctor", "data inspect"),
)
HEAVY = ("torch", "onnx", "onnxruntime", "onnxscript", "sklearn", "matplotlib", "ssdgm_train")


def test_the_first_help_lists_every_command(tool: Tool) -> None:
    found = tool("--help")
    assert (found.code, found.err) == (0, "")
    assert all(f"\n  {command.split()[0]} " in found.out for command in COMMANDS)
    assert tool("-h").out == tool().out == found.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_and_takes_json(command: str, tool: Tool) -> None:
    found = tool(*command.split(), "--help")
    assert (found.code, found.err) == (0, "")
    assert f"Usage: ssdgm-export {command}" in found.out
    assert "--json" in found.out
    if command in ("verify", "classify", "generate", "bench"):
        assert "--provider" in found.out


def test_every_option_says_what_it_is_for(tool: Tool) -> None:
    for command in COMMANDS:
        text = tool(*command.split(), "--help").out.split("Options:\n")[1]
        entries = [line for line in text.splitlines() if line.startswith("  -")]
        bare = [line for line in entries if len(line.split("  ")) < 3 and len(line) < 60]
        assert entries
        assert not bare, f"{command}: {bare}"


def test_the_version_is_the_package_s(tool: Tool) -> None:
    found = tool("--version")
    assert (found.code, found.out) == (0, f"{ssdgm_export.__version__}\n")


@pytest.mark.parametrize(("word", "near"), [("verfy", "verify"), ("trian", "train")])
def test_a_mistyped_command_gets_a_suggestion(word: str, near: str, tool: Tool) -> None:
    found = tool(word, "--json")
    assert found.code == 2
    assert f"Did you mean '{near}'" in found.json["error"]["message"]


def fresh(code: str) -> str:
    """What a new process prints."""
    words = (sys.executable, "-c", code)
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


LISTED = f"print([name for name in {HEAVY!r} if name in sys.modules])"


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert fresh(f"import sys, ssdgm_export.cli; {LISTED}") == "[]\n"


def test_help_loads_nothing_heavy() -> None:
    calls = [["--help"], ["--version"], *([*command.split(), "--help"] for command in COMMANDS)]
    code = f"import sys; from ssdgm_export import cli; [cli.run(c) for c in {calls!r}]; {LISTED}"
    assert fresh(code).splitlines()[-1] == "[]"


def test_the_lightness_test_can_fail() -> None:
    code = f"import sys; from ssdgm_export import cli; cli.run(['methods']); {LISTED}"
    assert "torch" in fresh(code).splitlines()[-1]


@pytest.mark.parametrize("module", ["ssdgm_export", "ssdgm_export.cli"])
def test_the_module_runs_as_a_command(module: str) -> None:
    if module == "ssdgm_export.cli":
        words = [sys.executable, "-c", "from ssdgm_export import cli; cli.main()", "--version"]
    else:
        words = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"{ssdgm_export.__version__}\n"


def test_a_process_ends_with_the_exit_code_and_no_traceback(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "ssdgm_export", "inspect", "none.ssdgm", "--json")
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_gets_a_completion_script(shell: str) -> None:
    words = (sys.executable, "-m", "ssdgm_export")
    environment = {**os.environ, "_SSDGM_EXPORT_COMPLETE": f"source_{shell}"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert "ssdgm-export" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_shell_completes_a_command() -> None:
    environment = {
        **os.environ,
        "_SSDGM_EXPORT_COMPLETE": "complete_bash",
        "COMP_WORDS": "ssdgm-export ver",
        "COMP_CWORD": "1",
    }
    words = (sys.executable, "-m", "ssdgm_export")
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["verify"]


@pytest.mark.parametrize("command", catalogue.COMMANDS, ids=lambda c: c.name)
def test_the_runtime_s_commands_have_all_their_options(command: Command, tool: Tool) -> None:
    text = tool(command.name, "--help").out
    there = {
        word.rstrip(",")
        for line in text.split("Options:\n")[1].splitlines()
        if line.startswith("  -")
        for word in line.split()[:2]
        if word.startswith("-")
    }
    quiet = catalogue.QUIET.flags if command.progress else ()
    flags = {flag for option in command.options for flag in option.flags}
    assert there == {*flags, *quiet, *catalogue.AS_JSON.flags, "-h", "--help"}
    assert command.help in text
