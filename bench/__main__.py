"""Run all benchmarks, or only the named ones with their options: `python -m bench fuzz --seconds 60`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the benchmarks in *names*, or all of them; return 1 if one failed."""
    first_option = next((at for at, name in enumerate(names) if name.startswith("-")), len(names))
    names, options = names[:first_option], names[first_option:]
    benchmarks = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    unknown = [name for name in names if name not in benchmarks]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; there are {', '.join(benchmarks)}", file=sys.stderr)
        return 1
    failed = False
    for name in names or benchmarks:
        print(f"\n== {name}", flush=True)
        failed |= (
            subprocess.run([sys.executable, "-m", f"bench.{name}", *options], cwd=HERE.parent, check=False).returncode
            != 0
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
