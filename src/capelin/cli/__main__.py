"""`python -m capelin.cli`."""

from __future__ import annotations

from capelin.cli.main import main

main(prog_name="capelin")
