"""How many feeds are found in OPML files: by our reader, and by an XML parser that requires well-formed input.

python -m bench.opml [FOLDER]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from aggregator.discovery.opml import read
from aggregator.errors import GroundswellError

OPML = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "opml"
_ATTRIBUTE = re.compile(rb"""xmlurl\s*=\s*["']\s*[^"'\s]""", re.IGNORECASE)


def count_outlines(data: bytes) -> int | None:
    """Return how many outlines name a feed, or None if the file is not well-formed."""
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return sum(bool(outline.get("xmlUrl", "").strip()) for outline in root.iter("outline"))


def main(folder: Path) -> int:
    """Print the totals."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".opml", ".xml"))
    if not files:
        print(f"no lists at {folder}")
        return 0
    well = expected = strict = ours = unreadable = 0
    for path in files:
        data = path.read_bytes()
        expected += len(_ATTRIBUTE.findall(data))
        if (count := count_outlines(data)) is not None:
            well, strict = well + 1, strict + count
        try:
            ours += len(read(data).feeds)
        except GroundswellError as error:
            unreadable += 1
            print(f"{path.name}: {error}")
    print(
        f"{len(files)} files, {well} well-formed; {expected:,} xmlUrl in their bytes; "
        f"a strict parser finds {strict:,} feeds, ours {ours:,} (each address once a file); {unreadable} files not read"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else OPML))
