"""Hostile markup from a feed, through poller and engine, into pages and feeds: nothing runs."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from aggregator.demo.edition import STARTS_AT
from aggregator.model.clock import SteppedClock
from groundswell.demo import play
from tests.browser.chromium import tab
from tests.browser.site import addresses, application, served
from tests.feedserver import FeedServer

pytestmark = pytest.mark.long

# Each would run a script, load something, or navigate away; {0} tells them apart.
VECTORS = (
    "<script>window.__xss={0}</script>",
    "<img src=x onerror=window.__xss={0}>",
    '"><svg onload=window.__xss={0}>',
    "<svg><animate onbegin=window.__xss={0} attributeName=x dur=1s>",
    "<details open ontoggle=window.__xss={0}>x</details>",
    "<iframe srcdoc='<script>parent.__xss={0}</script>'></iframe>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=window.__xss={0}&gt;'>",
    "<meta http-equiv=refresh content='0;url=http://away.invalid/{0}'>",
    "<base href='http://base.invalid/{0}/'><a href=x>x</a>",
    "<link rel=stylesheet href='http://style.invalid/{0}'>",
    "<img src='http://tracker.invalid/{0}.gif'>",
    "<div style='background:url(http://css.invalid/{0})'>x</div>",
    "<a href='javascript:window.__xss={0}'>click</a>",
    "<form action='http://steal.invalid/{0}'><button autofocus onfocus=window.__xss={0}>x</button></form>",
    "</title></textarea></script><script>window.__xss={0}</script>",
    "<noscript><p title='</noscript><img src=x onerror=window.__xss={0}>'>",
    "{{{{ ''.__class__ }}}}{{% debug %}}${{window.__xss={0}}}",
    "javascript:window.__xss={0}//",
)
# Each has its own subject, or the engine would put them into one story.
SUBJECTS = (
    "harbour walnut ferry", "glacier opera ticket", "copper violin strike", "lemon railway bridge",
    "falcon pension vote", "marble tennis final", "saffron hospital wing", "cobalt lighthouse sale",
    "thunder bakery fire", "ivory census result", "meadow satellite launch", "crimson library loan",
    "velvet dairy merger", "granite cinema closing", "juniper court ruling", "amber vaccine trial",
    "quartz museum theft", "willow dam repair",
)  # fmt: skip
XSS_CHECK = Path(__file__).resolve().parents[3] / "shared" / "bench" / "xss_check.py"


def hostile_feed(base: str) -> str:
    items = []
    for number, vector in enumerate(VECTORS):
        text = vector.format(number)
        link = text if number % 3 == 0 else f"{base}/{number}"
        items.append(
            f"<item><guid>{number}</guid><title>{SUBJECTS[number]} {escape(escape(text))}</title>"
            f"<link>{escape(link)}</link><author>{escape(text)}</author><category>{escape(text)}</category>"
            f"<description>{escape(text)} {SUBJECTS[number]}</description>"
            f"<content:encoded>{escape(text * 2)}</content:encoded>"
            f'<media:content url="{escape(text)}" medium="image"><media:description>{escape(text)}</media:description>'
            "</media:content></item>"
        )
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:media="http://search.yahoo.com/mrss/"><channel>'
        f"<title>{escape(VECTORS[0].format(99))}</title>{''.join(items)}</channel></rss>"
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str], list[str]]]:
    """The site after polling them: its address, its pages, and the texts of its feeds."""
    folder = tmp_path_factory.mktemp("hostile")
    with FeedServer() as feeds:
        sources = ""
        for name in ("one", "two"):
            url = feeds.publish(f"/{name}.xml", hostile_feed(feeds.url("")))
            sources += f"  - {{id: {name}, name: {name}, url: '{url}'}}\n"
        config = folder / "feeds.yaml"
        config.write_text(f"limits:\n  allow_private: [127.0.0.1]\nsources:\n{sources}", encoding="utf-8")
        clock = SteppedClock(STARTS_AT)
        # Playwright has an event loop of its own in this thread.
        with ThreadPoolExecutor(1) as other:
            other.submit(asyncio.run, play(config, folder / "g.db", clock, STARTS_AT + timedelta(minutes=30))).result()
    with application(folder / "g.db", clock.at + timedelta(minutes=1)) as app, served(app) as home:
        client = app.test_client()
        with ThreadPoolExecutor(1) as other:
            pages = list(other.submit(addresses, client, unlinked=False).result().values())
        stories = sorted(set(re.findall(r'href="(/story/[^"]+)"', client.get("/newest").text)))
        markup = "".join(client.get(path).text for path in stories)
        assert all(subject in markup for subject in SUBJECTS), "every vector is on a page"
        texts: list[str] = []
        for form in ("rss", "atom"):
            root = ElementTree.fromstring(client.get(f"/newest.{form}").data)
            texts += [text for element in root.iter() for text in element.itertext() if "<" in text]
        document = client.get("/newest.json").json
        assert document is not None
        texts += [item.get("content_html", "") for item in document["items"]]
        assert len(texts) >= len(stories)
        yield home, [*pages, *stories], texts


def test_no_page_runs_loads_or_leaves(browser: Browser, hostile: tuple[str, list[str], list[str]]) -> None:
    home, pages, _ = hostile
    faults_by_page: dict[str, list[str]] = {}
    with tab(browser, home) as shown:
        for path in dict.fromkeys(pages):
            shown.faults.clear()
            shown.open(path)
            shown.page.mouse.move(300, 300)
            # A missing picture is not an error of the page.
            faults = [fault for fault in shown.faults if "Failed to load resource" not in fault]
            if shown.page.evaluate("window.__xss") is not None:
                faults.append("a script ran")
            if not shown.page.url.startswith(home):
                faults.append(f"it led away to {shown.page.url}")
            if faults:
                faults_by_page[path] = faults
    assert not faults_by_page


def test_no_text_of_a_feed_runs_or_loads_where_a_reader_takes_it_for_html(
    browser: Browser, hostile: tuple[str, list[str], list[str]]
) -> None:
    home, _, texts = hostile
    with tab(browser, home) as shown:
        # Nothing protects this page, so whatever the feed's texts contain takes effect.
        shown.page.route(
            "**/careless", lambda route: route.fulfill(content_type="text/html", body="<article>".join(texts))
        )
        shown.open("/careless")
        assert shown.page.evaluate("window.__xss") is None
        assert shown.faults == []


def test_the_detector_detects(browser: Browser, hostile: tuple[str, list[str], list[str]]) -> None:
    home, _, _ = hostile
    raw = "".join(vector.format(number) for number, vector in enumerate(VECTORS) if "http-equiv" not in vector)
    with tab(browser, home) as shown:
        shown.page.route("**/raw", lambda route: route.fulfill(content_type="text/html", body=raw))
        shown.open("/raw")
        assert shown.page.evaluate("window.__xss") is not None
        assert any("tracker.invalid" in fault for fault in shown.faults)


def test_the_larger_check_finds_nothing_on_a_running_instance(hostile: tuple[str, list[str], list[str]]) -> None:
    if not XSS_CHECK.exists():
        pytest.skip("the larger check is not beside this checkout (../shared/bench/xss_check.py)")
    home, pages, _ = hostile
    starts = [part for path in pages[-20:] for part in ("--path", path)]
    done = subprocess.run(
        [sys.executable, str(XSS_CHECK), "--url", home, "--headers", "--max-pages", "40", *starts],
        capture_output=True,
        text=True,
        check=False,
    )
    # Chromium shows a notice of its own above a feed with an XSL style sheet; its markup is not ours.
    notice = "onclick=this.getRootNode().host.remove()"
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAIL") and notice not in line]
    assert failures == []
    assert "xss_check: " in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
