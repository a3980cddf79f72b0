"""What counts as a word, and how markup becomes words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.text.markup import clip, plain, storable
from aggregator.text.reading_time import count_words, count_words_of_clean
from aggregator.text.sanitize import clean
from aggregator.text.search_words import indexed
from aggregator.text.tokens import _read, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amazon's 2-gigawatt deal", "amazon 2gw deal"),
        ("2 gigawatts, 2GW and 2 GW", "2gw 2gw and 2gw"),
        ("$1.4 million, 1.4m and 1.4 Mio", "1.4m 1.4m and 1.4m"),
        ("$5bn, US$5B and 5 billion", "5bn us 5bn and 5bn"),
        ("1,400,000 or 1.400.000", "1400000 or 1400000"),
        ("5%, 5 percent, 5 per cent", "5% 5% 5%"),
        ("1,234.5 and 1.234,5 and 1,4", "1234.5 and 1234.5 and 1.4"),
        ("GPT-4o beats Llama 3.1", "gpt 4o beats llama 3.1"),
        ("a 20-year-old, state-of-the-art", "a 20 year old state of the art"),
        ("e-mail from T-Mobile's x-ray", "email from tmobile xray"),
        ("U.S. and U.K. on A.I.", "us and uk on ai"),
        ("AT&T's R&D", "att rd"),
        ("don't, we'll, O’Brien, l’Oréal", "dont we obrien oreal"),
        ("C++, C# and node.js", "c++ c# and node js"),
        ("Café Ångström, Łódź, straße", "cafe angstrom lodz strasse"),
        ("ＦＵＬＬ　ｗｉｄｔｈ Windows™", "full width windows"),
        ("Москва: ёлка", "москва елка"),
        ("삼성전자 반도체", "삼성전자 반도체"),
        ("नमस्ते दुनिया।", "नमस्ते दुनिया"),
        ("发布OpenAI芯片组", "发布 openai 芯片 片组"),
        ("アマゾン", "アマ マゾ ゾン"),
        ("", ""),
        (" … — !", ""),
    ],
)
def test_words_are_what_headlines_need(text: str, expected: str) -> None:
    assert words(text) == expected.split()


@given(st.text("abz09.,:;!?)('&-+#", min_size=1, max_size=8))
def test_a_plain_token_is_the_word_that_the_pattern_reads(token: str) -> None:
    assert words(token) == _read(token)


@given(st.text())
def test_words_are_folded_already(text: str) -> None:
    for word in words(text):
        assert word
        assert not any(c.isspace() or c.isupper() for c in word if c.isascii())


@given(st.text(alphabet="abcXYZ 0123456789.,'-", max_size=60))
def test_case_makes_no_word(text: str) -> None:
    assert words(text.upper()) == words(text.lower())


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>One</p><p>two <b>th</b>ree</p>", "One two three"),
        ("AT&amp;T &lt;b&gt; caf&eacute; &#8217;", "AT&T <b> café ’"),
        ("a<script>evil('</b>')</script>b<style>p{}</style>c", "abc".replace("", " ").strip()),
        ("never ends <script>x<y", "never ends"),
        ("<!-- a > b -->x<!-- open", "x"),
        ('<img alt="a > b">c', "c"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("  a\n\tb\u00a0c  ", "a b c"),
        ("no markup", "no markup"),
    ],
)
def test_plain_reads_markup_as_a_reader_would(markup: str, expected: str) -> None:
    assert plain(markup) == expected


@given(st.text(alphabet="<>/!-\"'= abscriptvg&;#x0", max_size=300))
def test_plain_takes_anything(markup: str) -> None:
    assert plain(markup) == " ".join(plain(markup).split())


@given(st.text(alphabet=st.characters()))
def test_what_is_storable_can_be_encoded_and_stays(text: str) -> None:
    cleaned = storable(text)
    cleaned.encode("utf-8")
    assert storable(cleaned) == cleaned
    assert "\x00" not in cleaned


def test_storable_keeps_tab_and_newline_and_drops_the_rest() -> None:
    assert storable("a\tb\nc\x00\x1b\x85\ud800\ufffe\U0001ffffd") == "a\tb\ncd"


@given(st.text(), st.integers(1, 50))
def test_clipped_text_is_within_its_limit(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit


def test_clip_cuts_between_words() -> None:
    assert clip("the quick brown fox", 13) == "the quick…"
    assert clip("the quick", 9) == "the quick"
    assert clip("x" * 20, 10) == "x" * 9 + "…"


def test_read_words_count_pairs_of_characters_where_there_are_no_spaces() -> None:
    assert count_words("Two words, - and 3") == 4
    assert count_words("机器学习") == 2
    assert count_words("OpenAI 发布") == 2
    assert count_words("") == 0


@given(
    st.text(
        st.sampled_from("aZ9_- .,'\t\n\x1c\x1f\x0b\x7f\x85\xa0\u2003—é’\u0301я") | st.characters(max_codepoint=0x24F)
    )
)
def test_a_word_is_a_piece_between_spaces_with_a_letter_or_digit_in_it(text: str) -> None:
    assert count_words(text) == sum(any(map(str.isalnum, piece)) for piece in text.split())


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b>",
                "</b>",
                "a",
                " ",
                "c&amp;d",
                "&lt;x&gt;",
                "<a href='/?>\"'>",
                "</a>",
                "<td colspan='1>2'>",
                "<br>",
                "-",
                "中文字",
                "é",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_words_of_cleaned_html_are_those_of_its_text(markup: str) -> None:
    cleaned = clean(markup, "https://a.example/")
    assert count_words_of_clean(cleaned) == count_words(plain(cleaned))


@given(
    st.lists(
        st.sampled_from(
            ["Amazon's", "U.S.", "2", "gigawatts", "2-gigawatt", "per", "cent", "$1.4", "million", "Straße", "AT&T",
             "C++", "e-mail", "l’Oréal", "ёлка", "中国人", "it’s", "“Q&A”", "٢٠", "3", "km", "x\u00a0y", "a_b", "™",
             "wi-fi", "1,400", "(US)", "hours,"]
        )
    ).map(" ".join)
    | st.text(max_size=40)
)  # fmt: skip
@example("2-gigawatt plant")
def test_the_index_holds_the_words_of_a_text(text: str) -> None:
    tokens = indexed(text).split(" ") if indexed(text) else []
    assert tokens[: len(words(text))] == words(text)
