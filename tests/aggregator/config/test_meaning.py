from __future__ import annotations

import pytest

from aggregator.config.reader import parse_config
from aggregator.errors import ConfigError
from aggregator.model import MeaningSettings

FEEDS = "sources: [{id: a, url: 'https://a.example/feed'}]\n"


@pytest.mark.parametrize(
    ("section", "settings"),
    [
        ("", MeaningSettings("minilm")),
        ("meaning: {model: none}", MeaningSettings("")),
        ("meaning: {model: off}", MeaningSettings("")),
        ("meaning: {model: MiniLM}", MeaningSettings("minilm")),
        (
            f"meaning: {{model: /srv/m.onnx, sha256: {'AB' * 32}}}",
            MeaningSettings("/srv/m.onnx", "ab" * 32),
        ),
    ],
)
def test_the_sentence_encoder_is_named_or_a_file(section: str, settings: MeaningSettings) -> None:
    assert parse_config(FEEDS + section).meaning == settings


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("meaning: {model: models/m.onnx}", "is not none, minilm or the absolute path of a model"),
        ("meaning: {model: /srv/m.onnx, sha256: abc}", "is not the SHA-256 of a file: 64 hexadecimal digits"),
    ],
)
def test_other_values_are_refused(section: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(FEEDS + section)
