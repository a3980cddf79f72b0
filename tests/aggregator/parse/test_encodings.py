"""Bytes are decoded as browsers would decode them, whatever encoding a document declares."""

from __future__ import annotations

import pytest

from aggregator.parse.parser import parse
from aggregator.parse.xml.encodings import as_utf8, encoding_of

ESC = b"\x1b"


def document(label: str, title: bytes, more: bytes = b"") -> bytes:
    declaration = f"<?xml version='1.0' encoding='{label}'?>".encode() if label else b""
    item = b"<item><title>" + title + b"</title></item>"
    return declaration + b"<rss version='2.0'><channel><title>News</title>" + item + more + b"</channel></rss>"


def titles(data: bytes, content_type: str = "") -> list[str]:
    return [entry.title for entry in parse(data, content_type).entries]


@pytest.mark.parametrize(
    ("label", "bytes_", "text"),
    [
        ("Shift_JIS", "①髙島屋㈱".encode("cp932"), "①髙島屋㈱"),
        ("MS_Kanji", "日本".encode("cp932"), "日本"),
        ("windows-31j", "Ⅲ号".encode("cp932"), "Ⅲ号"),
        ("EUC-JP", "新幹線".encode("euc_jp") + b"\xad\xb7\xf9\xa1", "新幹線Ⅲ纊"),
        ("x-euc-jp", "ｶﾅ漢字".encode("euc_jp"), "ｶﾅ漢字"),
        ("ISO-2022-JP", "日本語abcカナ".encode("iso2022_jp"), "日本語abcカナ"),
        ("ISO-2022-JP", ESC + b"$B-!" + ESC + b"(B 1", "① 1"),
        ("KS_C_5601-1987", "똠방각하".encode("cp949"), "똠방각하"),
        ("UHC", "펲시".encode("cp949"), "펲시"),
        ("GB2312", "镕基囍".encode("gbk"), "镕基囍"),
        ("gb18030", "𠀀㐀".encode("gb18030"), "𠀀㐀"),
        ("Big5", "啲嘢".encode("big5hkscs"), "啲嘢"),
        ("x-x-big5", "裏碁".encode("big5hkscs"), "裏碁"),
        ("TIS-620", "ข่าว".encode("cp874"), "ข่าว"),
        ("windows-874", "“ด่วน”".encode("cp874"), "“ด่วน”"),
        ("iso-8859-8-i", "חדשות".encode("iso8859-8"), "חדשות"),
        ("iso-8859-1", "“smart” €".encode("cp1252"), "“smart” €"),
        ("us-ascii", "naïve".encode("cp1252"), "naïve"),
        ("iso-8859-9", "İıĞğ".encode("cp1254"), "İıĞğ"),
        ("koi8-u", "їжак".encode("koi8-u"), "їжак"),
        ("x-mac-cyrillic", "Новости".encode("mac-cyrillic"), "Новости"),
        ("cp437", "Ärger".encode("cp437"), "Ärger"),
        ("latin-9", "€ œuvre".encode("iso8859-15"), "€ œuvre"),
        ("win-1251", "Новости".encode("cp1251"), "Новости"),
        ("windows1250", "žluť".encode("cp1250"), "žluť"),
        ("iso8859_2", "žluť".encode("iso8859-2"), "žluť"),
        ("utf-8-bom", "Zoë".encode(), "Zoë"),
        ("utf-16", "Zoë".encode(), "Zoë"),  # the declared encoding does not fit the bytes
    ],
)
def test_a_label_means_what_it_means_to_browsers(label: str, bytes_: bytes, text: str) -> None:
    assert titles(document(label, bytes_)) == [text]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_byte_order_mark_or_the_first_bytes_decide(encoding: str) -> None:
    assert titles(document("utf-8", b"Zo\xc3\xab").decode().encode(encoding)) == ["Zoë"]


@pytest.mark.parametrize(
    "label",
    [
        "utf-7",
        "unicode_escape",
        "raw-unicode-escape",
        "undefined",
        "idna",
        "base64",
        "hz-gb-2312",
        "nonsense",
        "rot13",
        "zürich",
    ],
)
def test_a_label_of_no_encoding_for_text_is_none(label: str) -> None:
    assert encoding_of(label) == ""


@pytest.mark.parametrize(
    ("label", "before", "bad", "after", "note"),
    [
        (
            "euc-jp",
            "日本".encode("euc_jp") * 20,
            b"\xff",
            "東京".encode("euc_jp"),
            "1 byte that is not euc-jp replaced",
        ),
        (
            "shift_jis",
            "日本".encode("cp932") * 20,
            b"\x85\x01",
            "東京".encode("cp932"),
            "1 byte that is not shift_jis replaced",
        ),
        ("", "日本".encode() * 20, b"\xe9", "東京".encode(), "1 byte that is not UTF-8 replaced"),
        ("utf-8", "日本".encode() * 20, b"\x92", "東京".encode(), "1 byte that is not UTF-8 replaced"),
    ],
)
def test_one_bad_byte_costs_one_character(label: str, before: bytes, bad: bytes, after: bytes, note: str) -> None:
    feed = parse(document(label, before + bad + b" " + after))
    assert feed.entries[0].title.startswith("日本" * 20)
    assert feed.entries[0].title.endswith("東京")
    assert "\ufffd" in feed.entries[0].title
    assert note in feed.notes


def test_a_label_of_the_wrong_encoding_of_its_language_is_noticed() -> None:
    feed = parse(document("euc-jp", "日本語のニュース速報です".encode("cp932")))
    assert feed.entries[0].title == "日本語のニュース速報です"
    assert feed.notes == ("not euc-jp as it says, read as shift_jis",)


def test_the_charset_of_the_server_counts_where_the_document_names_none() -> None:
    data = document("", "Новости".encode("cp1251"))
    assert titles(data, "application/xml; charset=windows-1251") == ["Новости"]


@pytest.mark.parametrize("label", ["x-unheard-of", "u" * 2_000_000, "\x85" * 30])
def test_an_unknown_encoding_label_is_a_note_and_not_an_error(label: str) -> None:
    feed = parse(document(label, b"News of \xe9t\xe9"))
    assert [entry.title for entry in feed.entries] == ["News of été"]
    assert all(len(note) < 120 for note in feed.notes)
    assert any("encoding that nobody knows" in note for note in feed.notes)


def test_text_that_is_utf_8_is_utf_8_under_any_label() -> None:
    notes: list[str] = []
    assert as_utf8(document("shift_jis", "Zoë".encode()), "", notes) == document("", "Zoë".encode())
    assert notes == []


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        ("Le café des élèves: caf".encode() + b"\xe9 noir, \x93\xc3\xa9t\xc3\xa9\x94 et \x96", "café noir, “été” et –"),
        ("Новости дня, обрезанны".encode() + b"\xd0...", "обрезанны\ufffd..."),
        ("日本の新聞の見出し".encode() + b"\xe6\x97...", "見出し\ufffd..."),
        (b"smile \xed\xa0\xbd\xed\xb8\x89", "smile 😉"),
    ],
)
def test_what_is_not_utf_8_in_a_document_of_utf_8_costs_nothing_else(bytes_: bytes, text: str) -> None:
    assert parse(document("utf-8", bytes_)).entries[0].title.endswith(text)


def test_text_in_windows_1252_is_not_utf_8_for_one_valid_sequence() -> None:
    text = "CAFÉ» Le café des élèves, nié à l'été"

    assert parse(document("utf-8", text.encode("windows-1252"))).entries[0].title == text
