r"""Equations: from docstrings to Markdown, and from TeX to MathML, which browsers draw themselves.

A docstring has them as reStructuredText, `.. math::` in a paragraph of its own and `\(...\)` in a
line; a page has them between dollars. On the site they are MathML, so that no page needs a script
or a font from elsewhere.
"""

import html
import re

from latex2mathml import converter

DIRECTIVE = re.compile(
    r"^\.\. math::[ ]*(?P<first>.*)\n(?P<more>(?:[ ]{2,}.*\n|\n(?=[ ]{2,}\S))*)", re.M
)
SECTION = re.compile(r"^References:\n(?P<body>(?:[ ]{4}.*\n?)+)", re.MULTILINE)
MARKED = re.compile(r'<(?P<tag>span|div) class="arithmatex">(?P<tex>.*?)</(?P=tag)>', re.DOTALL)
WORD = re.compile(r"\\text\{[^}]*\}|\\[A-Za-z]+|\b(?:[A-Za-z]{3,}|KL|or)(?=\b|_)")
"""A text, a command, or a word that stands for a function: Cat, KL, mean, softmax."""

BEFORE = re.compile(r"(?<=[\w)}\]])\s*(\\(?:log|max|min)\b)")
AFTER = re.compile(r"(\\(?:log|max|min))\s+(?=[^\s(^_])")
SIMILAR = re.compile(r"\s*(\\(?:sim|approx|propto)\b)\s*")


def markdown(docstring: str) -> str:
    r"""A docstring's text as Markdown.

    Example:
        >>> print(markdown("It is\n\n.. math:: x = y, \\quad\n    y = z\n\nand so on."))
        It is
        <BLANKLINE>
        $$
        x = y, \quad y = z
        $$
        <BLANKLINE>
        and so on.
    """
    text = DIRECTIVE.sub(
        lambda match: _block(f"{match['first']}\n{match['more']}"), f"{docstring}\n"
    )
    return SECTION.sub(lambda match: _references(match["body"]), text).strip()


def _block(body: str) -> str:
    """The equations of a directive, which blank lines divide."""
    several = (" ".join(part.split()) for part in re.split(r"\n\s*\n", body) if part.strip())
    return "\n\n".join(f"$$\n{tex}\n$$" for tex in several) + "\n"


def _references(body: str) -> str:
    """The references of a docstring as a list: each ends with a full stop at the end of a line."""
    flat = re.sub(r"(?<=[^.])\n\s*|(?<=et al\.)\n\s*", " ", body.strip())
    items = [" ".join(line.split()) for line in flat.split("\n")]
    return "**References**\n\n" + "\n".join(f"- {item}" for item in items) + "\n"


def rendered(page: str) -> str:
    """A page's HTML with every marked equation as MathML."""
    return MARKED.sub(lambda match: mathml(html.unescape(match["tex"])), page)


def spaced(tex: str) -> str:
    r"""TeX with the spaces that TeX sets around functions and relations, which MathML lacks.

    `arg` is a word here: latex2mathml does not know it as a command.

    Example:
        >>> spaced("y \\log p(x)")
        'y \\, \\log \\, p(x)'
    """
    tex = tex.replace(r"\arg", r"\mathrm{arg}")
    return SIMILAR.sub(r" \\;\1\\; ", AFTER.sub(r"\1 \\, ", BEFORE.sub(r" \\, \1", tex)))


def mathml(marked: str) -> str:
    r"""An equation within its marks, `\(...\)` or `\[...\]`, as an element."""
    tex, block = marked.strip()[2:-2].strip(), marked.strip().startswith("\\[")
    upright = WORD.sub(lambda m: m[0] if m[0][0] == "\\" else rf"\mathrm{{{m[0]}}}", spaced(tex))
    element = converter.convert(upright, display="block" if block else "inline")
    if "\\" in element:
        raise ValueError(f"a command of {tex} has no MathML")
    return f'<div class="equation" tabindex="0">{element}</div>' if block else element
