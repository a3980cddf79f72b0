"""Fuzz as `bench.fuzz` does, guided by coverage: `python -m bench._guided SECONDS`, a process that atheris ends."""

from __future__ import annotations

import logging
import sys

import atheris

# Only modules imported inside the block are instrumented; instrumenting everything would take a minute.
with atheris.instrument_imports(include=["aggregator", "feedparser", "sgmllib", "html"], enable_loader_override=False):
    from bench import fuzz


def main(seconds: float) -> None:
    """Try documents for that many seconds, followed each time by a document of our own."""
    documents = fuzz.corpus()

    def check(data: bytes) -> None:
        try:
            fuzz.check(data, documents[len(data) % len(documents)])
        except Exception:
            fuzz.keep(data)
            raise

    logging.disable()
    fuzz.KEPT.mkdir(exist_ok=True)
    fuzz.unpack()
    options = [f"-max_total_time={seconds:g}", "-max_len=20000", f"-artifact_prefix={fuzz.REACHED}/"]
    places = [str(fuzz.REACHED), str(fuzz.KEPT), str(fuzz.CORPUS)]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", *places], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(float(sys.argv[1]))
