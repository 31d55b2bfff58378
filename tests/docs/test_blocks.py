"""The programs and commands in pages run, page by page, beside a bundle of digits."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import hubs
import packages
import pytest

from ssdgm_export import cli

BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ["application", "errors"]
GOLDEN = packages.ROOT / "tests/golden/m2-tiny.ssdgm"


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in one language."""
    text = (packages.ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    return [block["code"] for block in BLOCK.finditer(text) if block["language"] == language]


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a bundle of digits is."""
    shutil.copytree(GOLDEN, tmp_path / "digits.ssdgm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_the_programs_of_a_page_run_one_after_another(
    page: str, beside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    programs = blocks(page, "python")
    assert programs
    for code in programs:
        exec(compile(code, f"{page}.md", "exec"), names)
        printed = capsys.readouterr().out.replace(f"{beside}/", "")
        for comment in re.findall(r"print\(error\)  # (.+)", code):
            assert comment in printed


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(
    page: str, beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hubs.reached(monkeypatch, tmp_path / "cache"):
        for line in "".join(blocks(page, "")).splitlines():
            _run(line)


def _run(line: str) -> None:
    program, *words = shlex.split(line)
    if program == "python":
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    elif program == "ssdgm-export":
        assert cli.run(words) == 0, line
    else:
        assert (program, words[0]) in (("pip", "install"), ("hf", "auth"))
