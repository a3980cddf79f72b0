"""A site below a path, behind nginx and Caddy: with configurations that strip the path, and with some that keep it."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask import Flask

from aggregator.config import parse_config
from aggregator.errors import ConfigError
from aggregator.model import Site
from aggregator.model.config import SITE_PAGES
from tests.documented import ROOT, blocks
from tests.web.newsroom import sample_config
from tests.web.test_server import free_port

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else "")
TOKEN = "a-token-for-tests-of-forty-characters-xx"
CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location /reader/ {{
      proxy_pass http://127.0.0.1:{site}{strip};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
    location = /reader {{ return 301 /reader/; }}
  }}
}}
"""


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


Get = Callable[..., tuple[int, dict[str, str], str]]


def requests_to(port: int) -> Get:
    def get(path: str, body: dict[str, str] | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        form = urlencode(body) if body is not None else None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("GET" if body is None else "POST", path, form, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        fields = {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return answer.status, fields, text

    return get


def nginx(folder: Path, port: int, site: int, *, keeps_path: bool) -> list[str]:
    """Return the command of an nginx in front of the site."""
    if not NGINX:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    strip = "" if keeps_path else "/"
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, port=port, site=site, strip=strip))
    return [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy(folder: Path, port: int, site: int, *, keeps_path: bool) -> list[str]:
    """Return the command of a Caddy with the configuration that docs/install.md has."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("caddy is not installed (Debian: caddy)")
    (block,) = (block.text for block in blocks(ROOT / "docs/install.md") if "/reader" in block.text)
    block = block.replace("example.org", f"http://127.0.0.1:{port}").replace("127.0.0.1:8000", f"127.0.0.1:{site}")
    if keeps_path:
        block = block.replace("handle_path", "handle")
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    storage file_system {folder}\n}}\n{block}")
    return [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


PROXIES = {
    f"{proxy.__name__}, path {'left on' if keeps_path else 'taken off'}": partial(proxy, keeps_path=keeps_path)
    for proxy in (nginx, caddy)
    for keeps_path in (False, True)
}


@pytest.fixture(params=PROXIES)
def behind_proxy(
    request: pytest.FixtureRequest, tmp_path: Path, edition_db: Path, make_app: Callable[..., Flask]
) -> Iterator[tuple[Get, str]]:
    """Return a client of the proxy, and the site's address."""
    port, site = free_port(), free_port()
    command = PROXIES[request.param](tmp_path, port, site)
    url = f"http://127.0.0.1:{port}/reader"
    config = replace(sample_config(), site=Site(url=url))
    app = make_app(edition_db, fallback_config=config, token=TOKEN)
    server = make_server("127.0.0.1", site, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    with (tmp_path / "error.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(tmp_path)})
    get = requests_to(port)
    deadline = time.monotonic() + 10
    while True:
        try:
            get("/reader/healthz")
            break
        except OSError:
            assert process.poll() is None, (tmp_path / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield get, url
    process.terminate()
    process.wait(10)
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_link_form_and_redirect_leads_below_the_path(behind_proxy: tuple[Get, str]) -> None:
    get, url = behind_proxy
    seen, todo = set[str](), ["/reader/"]
    while todo and len(seen) < 60:
        path = todo.pop(0)
        if path in seen:
            continue
        seen.add(path)
        status, headers, text = get(path)
        if status in (301, 302, 303):
            assert headers["location"].startswith(("/reader/", url)), (path, headers["location"])
            todo.append(urlsplit(headers["location"]).path)
            continue
        assert status in (200, 503), (path, status)
        if not headers["content-type"].startswith("text/html"):
            continue
        links = re.findall(r'\b(?:href|src|action|content|data-[a-z-]+)="(/[^"]*)"', text)
        assert links
        assert [link for link in links if not link.startswith("/reader/")] == [], path
        todo += [link.replace("&amp;", "&") for link in links]
    assert {"/reader/newest", "/reader/sources"} <= seen
    assert any(path.startswith("/reader/static/") for path in seen)


def test_feeds_and_the_hub_have_their_addresses_below_the_path(behind_proxy: tuple[Get, str]) -> None:
    get, url = behind_proxy
    status, headers, text = get("/reader/trending.rss")
    assert status == 200
    assert f'<{url}/hub>; rel="hub"' in headers["link"]
    assert f'<{url}/trending.rss>; rel="self"' in headers["link"]
    assert f"<link>{url}/story/" in text
    form = {"hub.mode": "subscribe", "hub.topic": f"{url}/trending.rss", "hub.callback": "https://me.example/"}
    assert get("/reader/hub", form)[0] == 202
    page = get("/reader/api/v1/stories?limit=1")
    assert page[0] == 200
    assert f"{url}/story/" in page[2]


def test_signing_in_works_and_its_cookie_stays_below_the_path(behind_proxy: tuple[Get, str]) -> None:
    get, url = behind_proxy
    origin = url.removesuffix("/reader")
    wanted = get("/reader/admin")
    assert wanted[0] == 303
    assert wanted[1]["location"].startswith("/reader/admin/sign-in?back=")
    sign_in = {"token": TOKEN, "back": "/admin"}
    status, headers, _ = get("/reader/admin/sign-in", sign_in, Origin=origin)
    assert (status, headers["location"]) == (303, "/reader/admin")
    assert "; Path=/reader;" in headers["set-cookie"] + ";"
    cookie = headers["set-cookie"].split(";")[0]
    status, _, desk = get("/reader/admin", Cookie=cookie)
    assert status == 200
    assert re.findall(r'action="(/[^"]*)"', desk)
    assert all(action.startswith("/reader/") for action in re.findall(r'action="(/[^"]*)"', desk))


def test_the_script_sends_its_requests_below_the_path(behind_proxy: tuple[Get, str]) -> None:
    get, _ = behind_proxy
    _, _, script = get(re.findall(r'src="(/reader/static/site\.js[^"]*)"', get("/reader/")[2])[0])
    assert "fetch(`/" not in script
    assert get("/reader/fresh?since=1")[0] == 200
    manifest = get("/reader/manifest.webmanifest")
    assert '"start_url": "/reader/"' in manifest[2]
    assert '"/icon' not in manifest[2]


def test_a_path_that_is_a_page_of_the_site_is_refused(make_app: Callable[..., Flask], edition_db: Path) -> None:
    rules = (rule.rule.split("/")[1] for rule in make_app(edition_db).url_map.iter_rules())
    files = {"apple-touch-icon", "atom", "favicon", "manifest", "openapi", "robots", "sitemap"}
    pages = {name.partition(".")[0].partition("-<")[0] for name in rules if not name.startswith("<")} - files - {""}
    assert pages <= SITE_PAGES, "add the first part of a new address to aggregator/model/config.py"
    for page in ("newest", "story", "api/v1", "search/"):
        with pytest.raises(ConfigError, match="is a page of the site itself; choose another"):
            parse_config(f"site: {{url: 'https://host.example/{page}'}}\nsources: []")
    assert parse_config("site: {url: 'https://host.example/news/newest'}\nsources: []").site.url.endswith("/newest")
