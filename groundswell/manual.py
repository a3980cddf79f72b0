"""`groundswell docs`: the pages of docs/ on the terminal, for an installation that has no checkout.

`groundswell/docs` contains a link to each page and to the changelog, so that a wheel includes their text.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import click

from aggregator.config.values.basic import nearest
from aggregator.errors import GroundswellError


@click.command()
@click.argument("page", required=False)
def docs(page: str | None) -> None:
    """Print a page of the documentation, or the list of pages.

    \b
    Example:
      groundswell docs
      groundswell docs configuration
    """
    pages = _pages()
    if page is None:
        width = max(map(len, pages))
        for name, file in pages.items():
            click.echo(f"{name:{width}}  {_title(file)}")
        return
    name = page.removesuffix(".md")
    if name not in pages:
        raise GroundswellError(f"there is no page {page!r}{nearest(name, pages)}; `groundswell docs` lists the pages")
    click.echo_via_pager(pages[name].read_text(encoding="utf-8"))


def _pages() -> Mapping[str, Traversable]:
    pages = sorted(files("groundswell").joinpath("docs").iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".md"): file for file in pages if file.name.endswith(".md")}


def _title(file: Traversable) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
