"""How well entries find their stories, on every labelled stream, with bootstrap intervals.

    python -m bench.stories [--data ../shared/data] [STREAM ...]

Each stream is run by `scoring.evaluation.stories`, in a process of its own, with the one configuration
that ships. The sample edition is always there; the others are skipped where the data is not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aggregator.demo.edition import as_stream, gold, load


@dataclass(frozen=True, slots=True)
class Run:
    """A labelled stream as it is shown to the program."""

    file: str
    time: str = "ts"
    fields: str = "title,summary"
    background: str = ""


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
}


def write_sample(folder: Path) -> tuple[Path, Path]:
    """Write the sample edition as a stream and its labels; return where they are."""
    edition = load()
    items, labels = folder / "sample.jsonl.gz", folder / "sample.gold.tsv"
    with gzip.open(items, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in as_stream(edition))
    labels.write_text("".join(f"{key}\t{label}\n" for key, label in gold(edition).items()), encoding="utf-8")
    return items, labels


def command(run: Run, data: Path, folder: Path) -> list[str] | None:
    """Return how to evaluate *run*, None where its files are not there."""
    if run.file:
        items, labels = data / f"{run.file}.jsonl.gz", data / f"{run.file}.gold.tsv"
        if not items.exists() or not labels.exists():
            return None
    else:
        items, labels = write_sample(folder)
    given = [sys.executable, "-m", "groundswell", "evaluate", "stories", str(items), str(labels), "--json"]
    given += ["--time", run.time, "--fields", run.fields]
    if run.background:
        given += ["--background", str(data / f"{run.background}.jsonl.gz")]
    return given


def main() -> None:
    """Print a row for each stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", default=list(RUNS), metavar="STREAM")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    unknown = [name for name in given.streams if name not in RUNS]
    if unknown:
        parser.error(f"there is no stream {unknown[0]!r}; there are {', '.join(RUNS)}")
    print("| stream | stories | P | R | BCubed F1 | 95 % | at the end | pair F1 | CEAF-e | NMI | entries / CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.streams:
            words = command(RUNS[name], given.data / "clustering", Path(folder))
            if words is None:
                print(f"| {name} | its files are not in {given.data / 'clustering'} |")
                continue
            report = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
            at, end = report["arrival"], report["end"]
            print(
                f"| {name} | {at['stories']} | {at['bcubed_precision']:.3f} | {at['bcubed_recall']:.3f} "
                f"| {at['bcubed_f1']:.4f} | {at['bcubed_f1_low']:.3f}..{at['bcubed_f1_high']:.3f} "
                f"| {end['bcubed_f1']:.4f} | {at['pair_f1']:.3f} | {at['ceaf_e_f1']:.3f} | {at['nmi']:.3f} "
                f"| {report['entries_per_cpu_s']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
