"""What mkdocs calls while it builds the site: pages made from the code, links, equations."""

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx import slugs

HERE = Path(__file__).parent
for folder in (HERE, HERE.parents[1] / "tests"):
    sys.path.insert(0, str(folder))

import api_pages  # noqa: E402
import formulas  # noqa: E402
import message_pages  # noqa: E402
import method_pages  # noqa: E402
import mirror  # noqa: E402
import navigation  # noqa: E402

from ssdgm_train import METHODS  # noqa: E402


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the methods' pages in the navigation, and headings as GitHub does."""
    assert config.nav is not None
    config.mdx_configs["toc"]["slugify"] = slugs.slugify(case="lower")
    config.nav = navigation.whole(config.nav, [*method_pages.pages()], mirror.pages().values())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are elsewhere in the repository, or made from the code."""
    made = {**method_pages.pages(), **api_pages.pages(), **message_pages.pages()}
    made |= {to: mirror.listing(place) for place, to in mirror.listings().items()}
    made |= {to: mirror.page(place) for place, to in mirror.pages().items()}
    for path, text in made.items():
        if old := files.get_file_from_path(path):
            files.remove(old)
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:  # noqa: ANN401
    """Leave the search to pages, not to listings; link methods and public names."""
    path = page.file.src_uri
    if path.startswith("source/"):
        page.meta["search"] = {"exclude": True}
        return markdown
    if path == "index.md":
        for name in METHODS:
            markdown = markdown.replace(f"\n| `{name}` |", f"\n| [`{name}`](methods/{name}.md) |")
    return mirror.prose(markdown, lambda text: api_pages.linked(text, path))


def on_page_content(html: str, **_: Any) -> str:  # noqa: ANN401
    """Equations as MathML."""
    return formulas.rendered(html)
