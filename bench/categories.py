"""Category accuracy over time: train on the first three quarters of each labelled file, measure on the rest.

python -m bench.categories [--data ../shared/data/labels]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from pathlib import Path

from scoring.evaluation.categories import evaluate, read_rows

FILES = ("categories_news_dev", "agnews_dev", "bbc_dev", "huffpost_dev")
SHARE = 0.75


def main() -> None:
    """Print accuracy by file and language."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/labels"))
    folder = parser.parse_args().data
    for name in FILES:
        path = folder / f"{name}.jsonl.gz"
        if not path.exists():
            print(f"{name}: skipped; there is no {path}")
            continue
        with gzip.open(path) as file:
            moments = [line.get("first_seen") or line.get("date") or "" for line in map(json.loads, file)]
        rows = read_rows(path)
        order = sorted(range(len(rows)), key=lambda i: moments[i])
        if name == "bbc_dev":
            # The file has no timestamps and is sorted by class.
            random.Random(0).shuffle(order)
        cut = int(SHARE * len(rows))
        begun = time.process_time()
        report = evaluate([rows[i] for i in order[cut:]], [rows[i] for i in order[:cut]])
        for part in report.parts:
            print(f"{name:22} {part.name:12} {part.accuracy}  ({part.cases} cases)")
        print(f"{name:22} {time.process_time() - begun:.0f} CPU s")


if __name__ == "__main__":
    main()
