"""Recorded streams for the commands that replay them: the settings, and the encoder with its cache.

A replay compares entries by meaning as the site does. Embeddings are kept in the user's cache folder, so a second run
of the same stream encodes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from aggregator.cli.options import Front
from aggregator.config import load_config
from aggregator.errors import MeaningError
from aggregator.model import Config, Site
from aggregator.store.sqlite.embedding_cache import EmbeddingCache
from scoring.meaning.cached_encoder import CachedEncoder
from scoring.meaning.encoder import Encoder
from scoring.meaning.encoder_process import open_encoder
from scoring.replay.streams import Stream


def settings_of(front: Front, feeds: Path | None) -> Config:
    """Return the settings in *feeds*, without a file those of a site that configures nothing."""
    return load_config(feeds, env=front.env) if feeds else Config(Site(), (), ())


@contextmanager
def site_encoder(config: Config) -> Iterator[Encoder | None]:
    """Give the encoder that *config* names, as the worker has it: where it fails later, that is logged."""
    with ExitStack() as opened:
        try:
            encoder = open_encoder(config.meaning)
        except MeaningError as error:
            click.echo(f"{error}. Continuing with words only", err=True)
            encoder = None
        yield encoder if encoder is None else opened.enter_context(encoder)


@contextmanager
def usable_encoder(config: Config) -> Iterator[Encoder | None]:
    """Give the encoder that *config* names once it works; without it None, and a line on stderr says why."""
    with ExitStack() as opened:
        try:
            encoder = open_encoder(config.meaning)
            if encoder is not None:
                opened.enter_context(encoder).encode(["A sentence"])
        except MeaningError as error:
            click.echo(f"{error}. Continuing with words only", err=True)
            encoder = None
        yield encoder


@contextmanager
def cached_encoder(config: Config) -> Iterator[CachedEncoder | None]:
    """Give the encoder that *config* names with the cache of embeddings; None if it does not work."""
    with usable_encoder(config) as encoder, EmbeddingCache(cache_file(os.environ) if encoder else None) as cache:
        yield None if encoder is None else CachedEncoder(encoder, cache)


@contextmanager
def stream_reader(config: Config) -> Iterator[Callable[[Path, str], Stream]]:
    """Give what opens recorded streams, by path and time column.

    Their lines have embeddings where *config* names an encoder that works.
    """
    with cached_encoder(config) as encoder:
        yield lambda path, time_column: Stream(path, time_column, encoder=encoder)


def cache_file(env: Mapping[str, str]) -> Path | None:
    """Return where embeddings of recorded streams are kept: in the cache folder of the XDG specification, if any."""
    folder = env.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(folder) / "groundswell" / "embeddings.db" if os.path.isabs(folder) else None
