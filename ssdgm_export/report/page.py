"""The page itself: HTML that needs nothing but a browser, every text in it escaped."""

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ssdgm_export import plates
from ssdgm_export.report import numbers
from ssdgm_export.report.material import Material
from ssdgm_runtime import errors
from ssdgm_train.portfolio import words
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import records

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: auto; padding: 0 1rem 3rem; }
figure { margin: 1.5rem 0; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
@media (max-width: 40rem) { img { max-width: 40rem; } }
figcaption { font-size: .9rem; opacity: .85; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid #8886; border-radius: 4px; }
""".strip()

NAMED = 10
"""Classes whose names the first paragraph lists."""


@dataclass(frozen=True)
class Section:
    """Plates under a heading."""

    title: str
    plates: Sequence[plates.Plate]


def page(material: Material, sections: Iterable[Section]) -> str:
    """The whole document."""
    run = material.run
    title = f"{material.recipe.spec.name} on {run.data.name}"
    parts = (
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{_safe(title)}</h1>",
        _opening(material),
        _measured(material),
        *_tried(run),
        *map(_section, sections),
        _again(run),
        f"<details><summary>Settings</summary><pre>{_safe(recipe.dumps(material.recipe))}</pre>"
        "</details>",
        "</body></html>",
    )
    return "\n".join(parts) + "\n"


def _safe(text: object) -> str:
    return html.escape(str(text))


def _opening(material: Material) -> str:
    run, result, spec = material.run, material.result, material.recipe.spec
    data, paper = run.data, spec.paper
    rows = f"{data.labelled} labelled and {data.unlabelled} unlabelled rows"
    extra = "extra to" if data.validation_labels_are_extra else "part of"
    held = f" The labels of the validation rows are {extra} the budget of labels."
    return (
        f"<p><b>{_safe(spec.name)}</b>, {_safe(spec.summary)} ({_safe(paper.authors)}, "
        f'{paper.year}: <a href="{_safe(paper.link)}">{_safe(paper.title)}</a>), trained on '
        f"{rows} of <b>{_safe(data.name)}</b> in {_classes(material)}, seed "
        f"{run.seed}, {result.steps} steps; the {_safe(result.select)} weights."
        f"{held if data.validation else ''}</p>"
    )


def _classes(material: Material) -> str:
    """How many classes or tags there are, and the first few of them."""
    names = material.classes
    first = ", ".join(map(plates.short, names[:NAMED]))
    more = ", …" if len(names) > NAMED else ""
    return f"{len(names)} {material.labels.space} ({_safe(first)}{more})"


def _measured(material: Material) -> str:
    """The table of scores, and sentences."""
    heading, *lines = numbers.table(material)
    rows = _line("th", heading) + "".join(_line("td", line) for line in lines)
    facts = "".join(f"<li>{_safe(fact)}</li>" for fact in numbers.facts(material))
    return f'<div class="wide"><table>{rows}</table></div>\n<ul>{facts}</ul>'


def _tried(run: records.RunRecord) -> Iterator[str]:
    """What was tried before a recipe was chosen, where one was."""
    if run.portfolio is None:
        return
    lines = "".join(_line("td", line) for line in words.table(run.portfolio))
    facts = "".join(f"<li>{_safe(fact)}</li>" for fact in words.sentences(run.portfolio))
    yield (
        "<h2>Recipes that were tried</h2>\n"
        f'<div class="wide"><table>{_line("th", words.HEADING)}{lines}</table></div>\n'
        f"<ul>{facts}</ul>"
    )


def _line(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_safe(cell)}</{tag}>' for cell in cells)}</tr>"


def _section(section: Section) -> str:
    return f"<h2>{_safe(section.title)}</h2>\n" + "\n".join(map(_figure, section.plates))


def _figure(plate: plates.Plate) -> str:
    content = base64.b64encode(plate.png).decode()
    return (
        f"<h3>{_safe(plate.title)}</h3>\n"
        f'<figure><div class="wide"><img alt="{_safe(plate.alt)}" '
        f'src="data:image/png;base64,{content}"></div>\n'
        f"<figcaption>{_safe(plate.caption)}</figcaption></figure>"
    )


def _again(run: records.RunRecord) -> str:
    """The command that trains this once more, from the recipe that lies beside the page."""
    made = run.environment
    words = ["ssdgm-export", "train", PurePath(run.data.source).name, "--recipe", "recipe.toml"]
    words += [] if run.labels is None else ["--labels", str(run.labels)]
    words += ["--seed", str(run.seed), "--device", made.device]
    words += ["--init-from", PurePath(run.init.source).name] if run.init else []
    command = errors.command(*words, "--out", "again")
    return (
        "<h2>How to reproduce it</h2>\n"
        f"<pre>{_safe(command)}</pre>\n"
        f"<p>recipe.toml lies beside this page; the data's digest is "
        f"{_safe(run.data.digest[:12])}. It was run with torch {_safe(made.torch)} on "
        f"{made.threads} thread{'s' if made.threads > 1 else ''} of a "
        f"{_safe(made.device)}.</p>"
    )
