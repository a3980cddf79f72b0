"""The hours of two streams of AI news as the site saw them, for measurements of the front page."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from aggregator.config import load_config
from bench import skip
from scoring.cli.recordings import stream_reader
from scoring.evaluation import recording
from scoring.relevance.model import load_prior, read_prior

STREAMS = {
    "ai_press_2024_25": "stream/ai_press_2024_25_dev.jsonl.gz",
    "ai_press_2026": "labels/ai_press_2026_techmeme_dev.jsonl.gz",
}
LABELS = Path(__file__).parent / "labels"


def recordings(
    command: str, description: str, arguments: Sequence[str] | None
) -> Iterator[tuple[str, Path, recording.Recording]]:
    """Yield the name, the file and the recorded hours of each stream, as the options of the command line say."""
    parser = argparse.ArgumentParser(prog=command, description=description)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--prior", type=Path, help="start from this prior; default: the shipped one")
    parser.add_argument("--recordings", type=Path, help="read the recorded hours from this folder, or keep them there")
    options = parser.parse_args(arguments)
    for name, file in STREAMS.items():
        stream = options.data / file
        if not stream.exists():
            skip(stream)
        kept = options.recordings and options.recordings / f"{name}.hours.gz"
        yield name, stream, _recorded(stream, kept, options.prior)


def _recorded(stream: Path, kept: Path | None, prior: Path | None) -> recording.Recording:
    """Return what the site knew hour by hour, from the file *kept* if it exists."""
    if kept is not None and kept.exists():
        return recording.load(kept)
    config = load_config(Path("feeds.yaml"), env=os.environ)
    with stream_reader(config) as read:
        result = recording.record(
            read(stream, ""), config, load_prior() if prior is None else read_prior(prior), learn=False
        )
    if kept is not None:
        recording.save(result, kept)
    return result
