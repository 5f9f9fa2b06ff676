"""The simulator as a program: `python -m capelin.simulation`."""

from __future__ import annotations

import sys

from capelin.simulation.verbs import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
