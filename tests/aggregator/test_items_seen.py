"""An item that is as it was when its document was stored is not looked at again, and the result is the same."""

from __future__ import annotations

from aggregator.parse import parse

RSS = "<rss version='2.0'><channel><title>News</title>{}</channel></rss>"


def item(number: int, title: str = "", link: str = "", guid: str = "") -> str:
    return (
        f"<item><title>{title or f'Title {number}'}</title><link>{link or f'https://a.example/{number}'}</link>"
        f"<guid>{guid or f'tag:a.example:{number}'}</guid></item>"
    )


def document(*items: str) -> bytes:
    return RSS.format("".join(items)).encode()


def test_only_what_changed_is_made_again() -> None:
    first = parse(document(item(1), item(2)))
    second = parse(document(item(3), item(2, title="Edited"), item(1)), seen=first.items_seen)
    assert [entry.title for entry in second.entries] == ["Title 3", "Edited"]
    assert second.unchanged == ("tag:a.example:1",)
    assert second.items_seen == parse(document(item(3), item(2, title="Edited"), item(1))).items_seen


def test_another_base_or_feed_title_is_another_document() -> None:
    first = parse(document(item(1)), url="https://a.example/feed")
    assert parse(document(item(1)), url="https://b.example/feed", seen=first.items_seen).entries
    renamed = document(item(1)).replace(b"<title>News", b"<title>Other")
    assert parse(renamed, url="https://a.example/feed", seen=first.items_seen).entries


def test_items_that_their_links_or_guids_do_not_tell_apart_are_looked_at_together() -> None:
    assert parse(document(item(1), item(2, link="https://a.example/1"))).items_seen == ""
    assert parse(document(item(1), item(2, guid="tag:a.example:1"))).items_seen == ""


def test_an_item_over_a_limit_is_told_again_each_time() -> None:
    first = parse(document(item(1, title="x" * 600), item(2)))
    second = parse(document(item(1, title="x" * 600), item(2)), seen=first.items_seen)
    assert second.notes == first.notes
    assert second.unchanged == ("tag:a.example:2",)
