"""Where a story can be passed on to: plain links, no script and no request of a third party before the click. Pure."""

from __future__ import annotations

from urllib.parse import quote


def links(url: str, headline: str) -> list[tuple[str, str]]:
    """Return the name and the address of each place that the story at *url* can be shared at."""
    at, title = quote(url, safe=""), quote(headline, safe="")
    both = quote(f"{headline} {url}", safe="")
    return [
        ("Mastodon", f"https://share.joinmastodon.org/#text={both}"),
        ("Bluesky", f"https://bsky.app/intent/compose?text={both}"),
        ("LinkedIn", f"https://www.linkedin.com/sharing/share-offsite/?url={at}"),
        ("X", f"https://x.com/intent/post?url={at}&text={title}"),
        ("Reddit", f"https://www.reddit.com/submit?url={at}&title={title}"),
        ("Hacker News", f"https://news.ycombinator.com/submitlink?u={at}&t={title}"),
        ("E-mail", f"mailto:?subject={title}&body={both}"),
    ]
