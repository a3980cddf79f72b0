"""`python -m groundswell`."""

from __future__ import annotations

from groundswell.cli import main

if __name__ == "__main__":
    main()
