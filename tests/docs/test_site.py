"""The pages that the site is made of, before mkdocs builds it: `make docs-site` does."""

import ast
import doctest
import importlib
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import api_pages
import formulas
import links
import message_pages
import method_pages
import mirror
import navigation
import packages
import pytest
import typer
import yaml

from ssdgm_export import cli
from ssdgm_train import METHODS
from ssdgm_train.recipes import recipe

ROOT = packages.ROOT
GENERATED = {**method_pages.pages(), **api_pages.pages(), **message_pages.pages()}
SITE = {*mirror.pages().values(), *mirror.listings().values(), *GENERATED}


@pytest.mark.parametrize("module", [formulas, message_pages, mirror])
def test_the_examples_of_the_site_s_modules_run(module: ModuleType) -> None:
    outcome = doctest.testmod(module)
    assert (outcome.failed, outcome.attempted > 0) == (0, True)


def settings() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        """Knows the tags that name Python's objects, and leaves them alone."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    read: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    return read


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    methods = [page for page in GENERATED if page.startswith("methods/")]
    nav = navigation.whole(settings()["nav"], methods, mirror.pages().values())
    entries = list(navigation.named(nav))
    assert len({*entries}) == len(entries)
    assert {*entries} <= SITE
    assert SITE - {*entries} == {*mirror.listings().values()}


def test_a_page_that_no_section_has_is_found_at_the_end() -> None:
    given = ["a.md", {"Methods": "methods/"}]
    nav = navigation.whole(given, ["methods/m2.md"], ["a.md", "z.md", "b.md"])
    assert nav == ["a.md", {"Methods": ["methods/m2.md"]}, {"More": ["b.md", "z.md"]}]
    assert navigation.whole(["a.md"], [], ["a.md"]) == ["a.md"]


def test_nothing_on_the_site_comes_from_elsewhere() -> None:
    read = settings()
    assert read["theme"]["font"] is False
    assert not {"extra_javascript", "repo_url"} & {*read}
    assert all(not sheet.startswith("http") for sheet in read["extra_css"])


@pytest.mark.parametrize("package", list(packages.FOLDERS))
def test_every_public_name_has_its_place(package: str) -> None:
    text = GENERATED[f"api/{package}.md"]
    for name in importlib.import_module(package).__all__:
        assert text.count(f"::: {package}.{name}\n") == 1, name


def test_what_a_model_gives_back_is_described() -> None:
    tree = ast.parse((packages.FOLDERS["ssdgm_runtime"] / "model.py").read_text(encoding="utf-8"))
    model = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Model")
    methods = [n for n in model.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
    given = " ".join(ast.unparse(n.returns) for n in methods if n.returns)
    classes = {*re.findall(r"(?:answers|verification|batching)\.(\w+)", given), "Placement"}
    described = {place.rpartition(".")[2] for place in api_pages.ANSWERS}
    assert classes - {"Rows"} <= described
    for place in api_pages.ANSWERS:
        module, _, name = f"ssdgm_runtime.{place}".rpartition(".")
        assert hasattr(importlib.import_module(module), name)


def test_public_names_in_prose_lead_to_where_they_are_described() -> None:
    text = api_pages.linked("`Model`, [`Model`](x), `InputError`", "methods/m2.md")
    assert text == (
        "[`Model`][ssdgm_runtime.Model], [`Model`](x), [`InputError`](../errors.md#inputerror)"
    )
    assert api_pages.linked("`Model`", "CONTRIBUTING.md") == "`Model`"


@pytest.mark.parametrize("name", list(METHODS))
def test_the_page_of_a_method_has_its_paper_settings_and_recipes(name: str) -> None:
    spec, text = METHODS[name], GENERATED[f"methods/{name}.md"]
    assert spec.paper.link in text
    for task in spec.tasks:
        assert f"\n| {task} |" in text
    given = {one.name: one.given for one in spec.build.conditionals}
    assert (r"$q(z \mid x, y)$" in text) >= ("y" in given.get("encoder", ()))
    own = recipe.to_table(recipe.load(None, name))["model"]
    keys = [k for k, value in own.items() for k in (value if isinstance(value, dict) else [k])]
    assert [key.rpartition(".")[2] for key, *_ in method_pages.settings(name)] == keys
    for each, method in method_pages.shelved().items():
        assert (f"[`{each}`]" in text) == (method == name)
    assert ".. math" not in text


@pytest.mark.parametrize("name", list(METHODS))
def test_the_commands_on_the_page_of_a_method_are_commands(name: str) -> None:
    lines = method_pages.commands(METHODS[name])
    assert recipe.load(None, name).method == name
    assert "\n".join(lines) in GENERATED[f"methods/{name}.md"]
    for line in lines:
        _, word, *words = shlex.split(line)
        command = typer.main.get_command(cli.app).commands[word]
        with command.make_context(word, words) as context:
            assert context.params["method" if word == "train" else "run"]
    space = {"masks": method_pages.Dense, "one-class": method_pages.OneClass}
    asked = re.search(r"--labels-as (\S+)", lines[0])
    assert METHODS[name].knows(space[asked[1]] if asked else method_pages.SPACES["classes"])


def test_every_method_has_a_page_of_the_name_of_its_file() -> None:
    pages = {page for page in GENERATED if page.startswith("methods/")}
    assert {*mirror.made().values()} - {"messages.md"} == pages - {"methods/index.md"}


TARGET = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", sorted({*GENERATED, *mirror.pages().values()}))
def test_links_between_pages_lead_to_pages(page: str) -> None:
    own = {to: place for place, to in mirror.pages().items()}
    text = mirror.page(own[page]) if page in own else GENERATED[page]
    for part, is_code in mirror.parts(text):
        for target in [] if is_code else TARGET.findall(re.sub(r"`[^`\n]*`", "``", part)):
            there = (Path("/") / page).parent / target
            path = Path(re.sub(r"/\./|/[^/]+/\.\./", "/", there.as_posix())).relative_to("/")
            while ".." in path.parts:
                path = Path(re.sub(r"(^|/)[^/]+/\.\./", r"\1", path.as_posix(), count=1))
            known = path.as_posix() in SITE or (ROOT / "docs" / path).is_file()
            assert known, f"{page} links to {target}"


def test_links_and_lists_are_those_of_the_site() -> None:
    text = "See [x](../runtime/FORMAT.md#top), `examples/two_moons.py`:\n- `a`\n\n```\n- b\n```\n"
    assert mirror.adapted(text, "docs/data.md") == (
        "See [x](runtime/FORMAT.md#top), "
        "[`examples/two_moons.py`](source/examples/two_moons.py.md):\n\n- `a`\n\n```\n- b\n```\n"
    )


def test_a_link_by_a_file_s_name_has_the_page_s_title() -> None:
    text = mirror.adapted("[docs/data.md](docs/data.md#labels), [here](docs/data.md)", "README.md")
    assert text == "[Data](data.md#labels), [here](data.md)"
    assert "[javascript/](javascript/README.md)" not in mirror.page("runtime/README.md")


def test_a_notebook_is_listed_cell_by_cell() -> None:
    text = mirror.listing("examples/a_method_of_your_own.ipynb")
    assert text.count("\n```python\n") >= 3
    assert len(re.findall(r"^# (?!.*`)", re.sub(r"```.*?```", "", text, flags=re.S), re.M)) == 1


@pytest.mark.parametrize("name", list(METHODS))
def test_every_equation_of_a_method_becomes_mathml(name: str) -> None:
    text = GENERATED[f"methods/{name}.md"]
    several = re.findall(r"\$\$\n(.*)\n\$\$", text)
    assert several or "math::" not in str(method_pages.module(METHODS[name]).__doc__)
    for tex in several:
        page = formulas.rendered(f'<div class="arithmatex">\\[{tex}\\]</div>')
        assert page.startswith('<div class="equation" tabindex="0"><math')
    for tex in re.findall(r"\\\((.+?)\\\)", text):
        assert formulas.mathml(f"\\({tex}\\)").startswith("<math")


def test_a_command_that_mathml_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="nosuch"):
        formulas.mathml(r"\(\nosuch x\)")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages without a fault."""
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a href="sub/b.html#x">b</a>')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b.html").write_text(
        '<a href="../a.html#top" id="x">a</a><a href="https://arxiv.org/x">paper</a>'
        '<link rel="stylesheet" href="../s.css"><a href="/a.html">a</a>'
    )
    (tmp_path / "s.css").write_text("b { background: url(data:image/png;base64,AA) }")
    return tmp_path


def test_a_site_without_a_fault_passes(site: Path) -> None:
    assert list(links.faults(site)) == []
    assert links.main(str(site)) == 0


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="c.html">c</a>', "leads to no file"),
        ('<a href="a.html#no">a</a>', "leads to no such anchor"),
        ('<a href="#no">a</a>', "leads to no such anchor"),
        ('<script src="https://cdn.example/x.js"></script>', "from another host"),
        ('<link rel="preconnect" href="//fonts.example">', "from another host"),
        ('<img srcset="https://x.example/a.png 2x">', "from another host"),
        ("<style>@import 'https://x.example/a.css'</style>", "from another host"),
        ('<p style="background: url(https://x.example/a.png)">', "from another host"),
        ('<pre class="mermaid">a</pre>', "loads a script"),
    ],
)
def test_a_fault_of_a_site_is_seen(site: Path, page: str, fault: str) -> None:
    (site / "a.html").write_text(f'<h1 id="top">A</h1>{page}')
    assert any(fault in line for line in links.faults(site))
    assert links.main(str(site)) == 1


def test_a_style_sheet_that_loads_from_elsewhere_is_seen(site: Path) -> None:
    (site / "s.css").write_text("@font-face { src: url('https://x.example/f.woff2') }")
    assert len(list(links.faults(site))) == 1
