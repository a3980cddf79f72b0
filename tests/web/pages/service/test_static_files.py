"""Scripts and style sheets as they are served."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from web.pages.service.static_files import STATIC, asset

FOLDER = Path(__file__).resolve().parents[4] / "web/static"


@pytest.mark.parametrize("name", [name for name in STATIC if name.endswith(".js")])
def test_a_script_is_served_without_comments_and_otherwise_as_written(name: str) -> None:
    served = STATIC[name].decode().splitlines()
    written = [line.strip() for line in (FOLDER / name).read_text("utf-8").splitlines()]
    assert not [line for line in served if line.startswith("//") or line != line.strip()]
    assert served == [line for line in written if line and not line.startswith("//")]
    # A string that spans several lines would lose its indentation.
    assert all(line.count("`") % 2 == 0 for line in written if not line.startswith("//"))


@pytest.mark.parametrize("name", [name for name in STATIC if name.endswith(".css")])
def test_a_style_sheet_is_served_without_comments(name: str) -> None:
    served = STATIC[name].decode()
    assert "/*" not in served
    written = (FOLDER / name).read_text("utf-8")
    comments = [part.partition("*/")[0] for part in written.split("/*")[1:]]
    assert served.count("{") == written.count("{") - sum(comment.count("{") for comment in comments)


def test_only_the_versioned_address_of_a_file_never_changes(site: FlaskClient) -> None:
    versioned, plain = site.get(asset("site.css")), site.get("/static/site.css")
    assert versioned.data == plain.data == STATIC["site.css"]
    assert versioned.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Cache-Control"] == "no-cache"
