"""What a first poll costs the process that parses: CPU seconds over the generated corpus, step by step.

    python -m bench.parse_speed [--feeds 1000] [--runs 5] [--corpus FOLDER]

The best of several runs, since other processes use the machine. The time that expat alone needs for its tree is printed
too: that code never changes, so it shows how busy the machine was.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import XML

from aggregator.model import Limits
from aggregator.parse.fingerprints import document_mark, in_pieces
from aggregator.parse.identity import arrival
from aggregator.parse.parser import parse
from aggregator.parse.polling_hints import of_xml
from aggregator.parse.xml import reader
from bench import _corpus

URL = "https://feeds.example/feed.xml"
LIMITS = Limits()


def documents(folder: Path, feeds: int) -> list[bytes]:
    """Return the first round of the corpus in *folder*, generated if it is missing."""
    _corpus.make(folder, feeds, 1)
    return [document for _, document in _corpus.documents(folder, 0)][:feeds]


def known_again(data: bytes) -> list[str]:
    """Return the marks by which *data* and its items are recognised in the next document."""
    marks = [document_mark(data, "", URL, LIMITS)]
    if pieces := in_pieces(data):
        marks += pieces.marks()
    return marks


def main() -> int:
    """Print the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--corpus", type=Path, help="where the generated corpus is kept; made when it is not there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data = documents(args.corpus or Path(name), args.feeds)
    entries = [draft for body in data for draft in parse(body, "", URL).entries]
    parts: dict[str, Callable[[], object]] = {
        "expat's tree alone": lambda: [len(XML(body)) for body in data],
        "read the XML": lambda: [reader.read(body, "", LIMITS) is None for body in data],
        "what it says of polling": lambda: [of_xml(body) is None for body in data],
        "marks to know it again": lambda: [known_again(body) for body in data],
        "what recognises an entry": lambda: [arrival(entry).word_count for entry in entries],
        "all of it (parse)": lambda: [parse(body, "", URL).title for body in data],
    }
    gc.freeze()  # as in the parser process
    gc.set_threshold(50_000, 20, 20)
    best = dict.fromkeys(parts, float("inf"))
    for _ in range(args.runs):
        for part, work in parts.items():
            start = time.process_time()
            work()
            best[part] = min(best[part], time.process_time() - start)
    print(f"{len(data):,} documents, {sum(map(len, data)) / 1e6:.1f} MB, {len(entries):,} entries\n")
    print("| part | CPU s |\n|---|---|")
    for part, seconds in best.items():
        print(f"| {part} | {seconds:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
