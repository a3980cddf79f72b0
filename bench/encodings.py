"""What brotli and zstd would save over gzip: bytes on the wire and CPU, on recorded feeds.

    python -m bench.encodings [--data ../shared/data/feeds/docs] [--from-bytes 4000]

Each document is compressed the way servers do on the fly, and the way static files are compressed, then decompressed
with `aggregator.fetch.decompress`.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path

import brotli

from aggregator.fetch.decompress import unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROOT = Path(__file__).resolve().parent.parent
PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip 6": ("gzip", lambda data: gzip.compress(data, 6)),
    "br 5": ("br", lambda data: bytes(brotli.compress(data, quality=5))),
    "br 11": ("br", lambda data: bytes(brotli.compress(data, quality=11))),
    "zstd 3": ("zstd", lambda data: zstd.compress(data, 3)),
    "zstd 19": ("zstd", lambda data: zstd.compress(data, 19)),
}


def unpacked(encoding: str, packed: list[bytes]) -> float:
    """Return the CPU seconds that decompression takes."""
    start = time.process_time()
    for data in packed:
        unpack(data, encoding, 10_000_000)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/feeds/docs")
    parser.add_argument("--from-bytes", type=int, default=4_000, help="leave out documents smaller than this")
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"no documents at {args.data}; name their folder with --data")
        return
    files = sorted(args.data.iterdir())
    documents = [gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes() for file in files]
    documents = [document for document in documents if len(document) >= args.from_bytes]
    size = sum(map(len, documents))
    print(f"{len(documents)} documents, {size:,} bytes\n")
    print("| packed by | bytes | of the document | CPU ms to unpack all |\n|---|---|---|---|")
    for name, (encoding, pack) in PACKERS.items():
        packed = [pack(document) for document in documents]
        wire = sum(map(len, packed))
        took = min(unpacked(encoding, packed) for _ in range(5))
        print(f"| {name} | {wire:,} | {wire / size:.3f} | {took * 1000:.0f} |")


if __name__ == "__main__":
    main()
