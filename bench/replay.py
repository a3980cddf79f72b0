"""How fast the live code processes a recorded stream, and how much memory it takes.

    python -m bench.replay [--data ../shared/data] [STREAM ...]

Each stream is replayed twice by `groundswell replay` in a separate process: entries per CPU second, peak memory, and
whether the two outputs are byte-identical.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import _stream

STREAMS = ("ai_radar_2026_dev", "ai_press_2024_25_dev", "news_2020_dev")


def replay(stream: Path, folder: Path, run: int) -> tuple[dict[str, object], float, float]:
    """Replay *stream*; return its summary, CPU seconds and peak memory in MB."""
    report = folder / f"run{run}.json"
    command = [sys.executable, "-m", "groundswell", "replay", str(stream), "--json"]
    command += ["--assignments", str(folder / f"a{run}.tsv"), "--scores", str(folder / f"s{run}.jsonl")]
    with report.open("w") as file:
        process = subprocess.Popen(command, stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"replaying {stream.name} failed")
    return json.loads(report.read_text()), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print a row for each stream; without recorded data, for a generated one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", default=STREAMS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    results = [path for name in args.streams if (path := args.data / "stream" / f"{name}.jsonl.gz").exists()]
    if not results:
        print(f"no recorded streams in {args.data / 'stream'}: one is generated")
        folder = tempfile.TemporaryDirectory()
        results = [Path(folder.name) / "generated.jsonl.gz"]
        _stream.write(results[0], 10_000, a_day=1_500)
    print("| stream | entries | stories | CPU s | entries / CPU s | peak MB | same bytes twice |")
    print("|---|---|---|---|---|---|---|")
    for stream in results:
        with tempfile.TemporaryDirectory() as name:
            out = Path(name)
            summary, first, memory = replay(stream, out, 1)
            _, second, _ = replay(stream, out, 2)
            same = all(
                filecmp.cmp(out / f"{kind}1.{end}", out / f"{kind}2.{end}", shallow=False)
                for kind, end in (("a", "tsv"), ("s", "jsonl"))
            )
        cpu = min(first, second)
        entries = int(str(summary["entries"]))
        print(
            f"| {stream.name.removesuffix('.jsonl.gz')} | {entries} | {summary['stories']} | {cpu:.1f} "
            f"| {entries / cpu:.0f} | {memory:.0f} | {'yes' if same else 'NO'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
