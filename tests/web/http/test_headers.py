from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Config, Site
from tests.web.newsroom import Newsroom
from web.http import headers as guard
from web.present import story_path

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "web"
VALUES = {
    "number": "1",
    "story_id": "1",
    "name": "x",
    "category_id": "big-tech",
    "source_id": "seedbed",
    "form": "rss",
    "time": "2026-11-17T08:00Z",
    "slug": "trainium",
    "entry_id": "1",
    "token": "guess",
    "digest": "x",
    "icon": "icon-192.png",
    "what": "hide",
    "list_id": "chips",
    "token_id": "1",
    "stream": "user/-/state/com.google/reading-list",
}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)

# A browser applies a feed's style sheet only with script-src and its origin; the sandbox runs no scripts.
FEED_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "sandbox allow-same-origin allow-popups allow-top-navigation-by-user-activation"
)


def check_headers(headers: object, where: str) -> None:
    get = headers.get  # type: ignore[attr-defined]
    if where.endswith((".rss", ".atom")) or "xml" in get("Content-Type", ""):
        assert get("Content-Security-Policy") in (CSP, FEED_CSP, "default-src 'none'; sandbox"), where
    else:
        assert get("Content-Security-Policy") in (CSP, "default-src 'none'; sandbox"), where
    assert get("X-Content-Type-Options") == "nosniff", where
    # The operator's forms have to say where they come from (web/request/access.py).
    assert get("Referrer-Policy") == ("same-origin" if "/admin" in where else "no-referrer"), where
    assert get("Cross-Origin-Opener-Policy") == "same-origin", where
    assert get("Cross-Origin-Resource-Policy") == "same-origin", where
    assert get("Permissions-Policy") == "camera=(), microphone=(), geolocation=(), browsing-topics=()", where
    assert get("X-Frame-Options") == "DENY", where
    assert get("Cache-Control"), where
    assert get("Set-Cookie") is None, where
    assert get("Strict-Transport-Security") is None, where


def paths(app: Flask) -> list[str]:
    """Return an address for every route, so that new routes are covered automatically."""
    results = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^<>:]*(?:\([^)]*\))?:)?(\w+)>", lambda m: VALUES[m[1]], rule.rule)
        results.append(path.replace("/static/x", "/static/site.css"))
    return results


def test_every_route_carries_every_header_whatever_the_method(full: FlaskClient) -> None:
    routes = paths(full.application)
    assert len(routes) > 20
    for path in [*routes, "/nothing/here", "/trending?page=9999", "/story/12345/x", "/static/nothing.css"]:
        for method in ("GET", "GET", "HEAD", "OPTIONS", "POST", "DELETE", "PUT", "TRACE", "BREW"):
            answer = full.open(path, method=method)
            assert answer.status_code < 500, (method, path)
            if method in ("POST", "DELETE", "PUT", "TRACE", "BREW"):
                # Anyone may POST to the hub; what only the operator may do is refused.
                refused = (400,) if (method, path) == ("POST", "/hub") else (401, 403, 404, 405, 429)
                assert answer.status_code in refused, (method, path)
            check_headers(answer.headers, f"{method} {path}")
            if answer.mimetype == "text/html" and answer.status_code not in (301, 303):
                assert answer.headers["Content-Security-Policy"] in (CSP, "default-src 'none'; sandbox")


def test_answers_from_memory_carry_them_too(full: FlaskClient) -> None:
    for path in ("/", "/trending.rss", "/static/icon.svg"):
        etag = full.get(path).headers["ETag"]
        answer = full.get(path, headers={"If-None-Match": etag})
        assert answer.status_code == 304
        check_headers(answer.headers, path)


def test_over_https_the_site_sends_strict_transport_security(full: FlaskClient) -> None:
    answer = full.get("/nothing", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "[::2]", "a" * 300])
def test_a_foreign_host_gets_nothing_even_from_memory(full: FlaskClient, host: str) -> None:
    assert full.get("/").status_code == 200
    answer = full.get("/", headers={"Host": host}) if host else full.get("/", environ_overrides={"HTTP_HOST": ""})
    assert answer.status_code == 400
    check_headers(answer.headers, host)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:9", "news.example", "NEWS.example:443", "lan"])
def test_the_sites_own_names_are_answered(tmp_path: Path, make_app: Callable[..., Flask], host: str) -> None:
    named = Config(Site(url="https://news.example"), (), ())
    client = make_app(tmp_path / "x.db", fallback_config=named, extra_hosts=["lan"]).test_client()
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_a_large_body_and_a_long_address_are_refused_with_a_message(full: FlaskClient) -> None:
    answer = full.get("/", headers={"Content-Length": "2000000"})
    assert answer.status_code in (200, 413)
    answer = full.post("/about", data=b"x" * 2_000_000)
    assert answer.status_code in (405, 413)
    answer = full.get("/about?" + "x" * 5000)
    assert answer.status_code == 414
    assert "The address is too long" in answer.text


def test_a_missing_page_helps_on(full: FlaskClient) -> None:
    answer = full.get("/no/such/thing")
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert 'action="/search"' in answer.text
    assert 'href="/category/big-tech"' in answer.text


def test_a_wrong_method_gets_the_allowed_ones(full: FlaskClient) -> None:
    answer = full.post("/about")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "Method not allowed" in answer.text


def test_what_breaks_shows_an_id_and_no_details(
    full: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("web.lists.stories.of_category", broken)
    answer = full.get("/category/models?sort=score")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    check_headers(answer.headers, "500")
    request_id = re.search(r"<code>([0-9a-f]{8})</code>", answer.text)
    assert request_id
    assert request_id[1] in caplog.text
    assert "secret detail" in caplog.text


def test_what_breaks_outside_of_flask_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    def broken(environ: object, start_response: object) -> list[bytes]:
        raise RuntimeError("secret detail")

    responses: list[tuple[str, list[tuple[str, str]]]] = []
    body = guard.Guarded(broken)({"PATH_INFO": "/x\n"}, lambda status, headers, *_: responses.append((status, headers)))  # type: ignore[arg-type]
    assert responses[0][0].startswith("500")
    check_headers(dict(responses[0][1]), "500")
    assert b"secret" not in b"".join(body)
    assert "secret detail" in caplog.text


# Hostile text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7127*7129 }}{% include '/etc/passwd' %}",
    "' onmouseover='alert(1)",
    "</title></textarea><svg/onload=alert(1)>",
    "javascript:alert(1)",
]


def test_hostile_text_is_text_wherever_it_stands(site: FlaskClient, room: Newsroom) -> None:
    story_ids = []
    for i, text in enumerate(HOSTILE):
        headline = f"{text} {i}"
        story_ids.append(
            room.story(
                headline,
                ["techcrunch_ai", "seedbed"],
                titles=["", text],
                summary=f"{text} and more words about it",
                author=text,
                language=text,
                link="https://a.example/" + text.replace(" ", "%20"),
                category="models",
            )
        )
    room.polled("seedbed", "not a feed", HOSTILE[0] + HOSTILE[1], 200)
    room.store.config_edits.save("x", HOSTILE[1], room.store.state.moment("heartbeat"))  # type: ignore[arg-type]
    room.rank()
    stories = [room.store.stories.get(story_id) for story_id in story_ids]
    for path in (
        "/", "/category/models", "/newest", "/sources", "/source/seedbed", "/source/techcrunch_ai",
        "/search?q=alert", "/search?q=%3Cscript%3Ealert(1)%3C/script%3E", "/search?q=%22%3E%3Cimg src=x%3E",
        *(story_path(story) for story in stories if story),
    ):  # fmt: skip
        page = site.get(path).text
        assert not re.search(r'<script(?! src="/static/| type="application/(?:ld\+)?json")', page), path
        assert "<img" not in page, path
        assert "<svg/onload" not in page, path
        assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', page)), path
        assert 'href="javascript:' not in page, path
        assert "50808383" not in page, path


def test_stored_content_is_shown_as_it_was_cleaned(site: FlaskClient, room: Newsroom) -> None:
    body = "<p>Safe <em>words</em> that are longer than any standfirst could be.</p>"
    story_id = room.story("With content", ["techcrunch_ai"], content=body)
    assert body in site.get(f"/story/{story_id}/with-content").text


# The templates themselves


def templates() -> list[Path]:
    """Return the templates of pages; mail programs read inline styles only, and run no scripts."""
    return sorted(path for path in (WEB / "templates").rglob("*.html") if path.name != "mail.html")


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_no_template_has_inline_style_script_or_handlers(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # A data block is not a script: no browser runs it, and `tojson` escapes what could end it.
    text = re.sub(r'<script type="application/(ld\+)?json"( id="\w+")?>\{\{ \w+\|tojson \}\}', "", text)
    assert not re.search(r"<script(?! src=)|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:", text, re.I)
    assert not re.search(r"\|\s*safe|Markup|autoescape", text)
    assert not re.search(r"""(?:href|src|action)\s*=\s*["'](?:https?:)?//""", text), "a request to somebody else"
    assert path.suffix == ".html", "autoescaping goes by the name"


def test_stored_html_becomes_markup_in_one_place_only() -> None:
    match = [
        f"{path.name}: {line.strip()}"
        for path in sorted(WEB.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"Markup\(\w|\|\s*safe|render_template_string|autoescape(?!=True)", line)
    ]
    assert match == ["formatting.py: return Markup(content)"]


def test_styles_load_nothing() -> None:
    for path in (WEB / "static").iterdir():
        # XML namespaces look like URLs, but nothing requests them.
        text = re.sub(r'xmlns:\w+="[^"]*"', "", path.read_text(encoding="utf-8"))
        assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", text), path.name
