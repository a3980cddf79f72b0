"""Clustering quality on every labelled stream, with bootstrap intervals.

    python -m bench.stories [--data ../shared/data] [STREAM ...]

Each stream is run by `scoring.evaluation.stories` in a separate process, with the shipped configuration. The sample
edition is always available; the others are skipped if the data is missing. The windows of AI news run as part of the
whole stream they were taken from. So do 15 stretches of these streams, whose labels are in `bench/labels`. A second
table counts errors at arrival by kind (`scoring.evaluation.story_errors`).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.demo.edition import as_stream, gold, load
from scoring.evaluation.story_errors import MISSED, WRONG


@dataclass(frozen=True, slots=True)
class Run:
    """A labelled stream and how it is run."""

    file: str
    """In `clustering`; of a window the whole stream, relative to the data."""
    time: str = "ts"
    fields: str = "title,summary"
    background: str = ""
    window: str = ""
    """In `gold`."""
    labels: str = ""
    """In `bench/labels`."""
    sha256: str = ""
    """Of the stream that these labels name lines of."""


RUNS = {
    "allsides": Run("allsides_dev", background="allsides_background_dev"),
    "allsides without noise": Run("allsides_dev"),
    "allsides titles without noise": Run("allsides_dev", fields="title"),
    "allsides titles": Run("allsides_dev", fields="title", background="allsides_background_dev"),
    "allsides 30 x denser": Run("allsides_dev", time="ts_dense", background="allsides_background_dev"),
    "gnews": Run("gnews"),
    "gnews titles, topic time": Run("gnews", time="ts_topic", fields="title"),
    "gnews titles": Run("gnews", fields="title"),
    "uci titles": Run("uci_dev", fields="title"),
    "sample edition": Run(""),
    "week_2026_05": Run("labels/ai_press_2026_techmeme_dev", time="", window="week_2026_05"),
    "dense_2026_03": Run("labels/ai_press_2026_techmeme_dev", time="", window="dense_2026_03"),
    "press_2025_05": Run("stream/ai_press_2024_25_dev", time="", window="press_2025_05"),
    "stretches of 2026": Run(
        "labels/ai_press_2026_techmeme_dev",
        time="",
        labels="ai_press_2026.stories.tsv",
        sha256="2c4cefe68422cb729e2c6a91990cb3d250fb0a311edb5bc8f7b800c03ba04cbf",
    ),
    "stretches of 2024-25": Run(
        "stream/ai_press_2024_25_dev",
        time="",
        labels="ai_press_2024_25.stories.tsv",
        sha256="989fdc43876b9103fc5e0b60773d7c44f27c35e3d0ec786126370d77932ed00c",
    ),
}

LABELS = Path(__file__).parent / "labels"


def write_sample(folder: Path) -> tuple[Path, Path]:
    """Write the sample edition as a stream with labels; return the two files."""
    edition = load()
    items, labels = folder / "sample.jsonl.gz", folder / "sample.gold.tsv"
    with gzip.open(items, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in as_stream(edition))
    labels.write_text("".join(f"{key}\t{label}\n" for key, label in gold(edition).items()), encoding="utf-8")
    return items, labels


def is_recorded(run: Run, items: Path) -> bool:
    """Return whether a file is the stream that the labels of *run* are for."""
    return items.exists() and (not run.sha256 or hashlib.sha256(items.read_bytes()).hexdigest() == run.sha256)


def command(run: Run, data: Path, folder: Path) -> list[str] | None:
    """Return the command that evaluates *run*, or None if its files are missing or others."""
    if run.labels:
        items, labels = data / f"{run.file}.jsonl.gz", LABELS / run.labels
    elif run.window:
        items, labels = data / f"{run.file}.jsonl.gz", data / "gold" / f"{run.window}.labels.tsv"
    elif run.file:
        items, labels = (data / "clustering" / f"{run.file}.{ending}" for ending in ("jsonl.gz", "gold.tsv"))
    else:
        items, labels = write_sample(folder)
    if not is_recorded(run, items) or not labels.exists():
        return None
    command = [sys.executable, "-m", "groundswell", "evaluate", "stories", str(items), str(labels), "--json"]
    command += ["--time", run.time, "--fields", run.fields]
    if run.background:
        command += ["--background", str(data / "clustering" / f"{run.background}.jsonl.gz")]
    return command


HEADER = """\
| stream | stories | pairs P | R | F1 | 95 % | at the end | BCubed P | R | F1 | 95 % | at the end | NMI | /CPU s |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def row(name: str, report: dict[str, Any]) -> str:
    """Return the line of a stream in the table."""
    at, end = report["arrival"], report["end"]
    return (
        f"| {name} | {at['stories']} | {at['pair_precision']:.3f} | {at['pair_recall']:.3f} | {at['pair_f1']:.3f} "
        f"| {at['pair_f1_low']:.3f}..{at['pair_f1_high']:.3f} | {end['pair_f1']:.3f} "
        f"| {at['bcubed_precision']:.3f} | {at['bcubed_recall']:.3f} | {at['bcubed_f1']:.4f} "
        f"| {at['bcubed_f1_low']:.3f}..{at['bcubed_f1_high']:.3f} | {end['bcubed_f1']:.4f} | {at['nmi']:.3f} "
        f"| {report['entries_per_cpu_s']:.0f} |"
    )


def main() -> None:
    """Print a row for each stream, and its errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", default=list(RUNS), metavar="STREAM")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    unknown = [name for name in args.streams if name not in RUNS]
    if unknown:
        parser.error(f"there is no stream {unknown[0]!r}; there are {', '.join(RUNS)}")
    print(HEADER)
    errors: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.streams:
            line = command(RUNS[name], args.data, Path(folder))
            if line is None:
                print(f"| {name} | its files are not in {args.data}, or are others |")
                continue
            report = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)
            errors[name] = report["errors"]
            print(row(name, report), flush=True)
    kinds = (*WRONG, *MISSED)
    print(f"\n| pairs | {' | '.join(kinds)} |\n|{'---|' * (len(kinds) + 1)}")
    for name, counts in errors.items():
        print(f"| {name} | {' | '.join(str(counts[kind]) for kind in kinds)} |")


if __name__ == "__main__":
    main()
