"""Links for sharing a story: without scripts, and without third-party requests before the click. Pure."""

from __future__ import annotations

from urllib.parse import quote


def links(url: str, headline: str) -> list[tuple[str, str]]:
    """Return name and address of each service for sharing the story at *url*."""
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
