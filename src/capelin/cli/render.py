"""Prints a tree: coloured on a terminal, plain when piped."""

from __future__ import annotations

from collections.abc import Iterator

import click

from capelin.cli.tree import Node

_HEADINGS = ("NAME", "REPLICAS", "AVAILABLE", "READY", "UP TO DATE", "STATUS", "REASON", "SINCE", "MESSAGE")


def lines(root: Node, *, colour: bool) -> list[str]:
    """Return the table of the tree, one line an object (more where its message has several lines), columns aligned."""
    rows = [_HEADINGS, *_rows(root, "", "")]
    widths = [max(len(line) for row in rows for line in row[i].split("\n")) for i in range(len(_HEADINGS) - 1)]
    return [text for row in rows for text in _aligned(row, widths, colour)]


def _rows(node: Node, lead: str, below: str) -> Iterator[tuple[str, ...]]:
    yield (
        lead + node.name,
        node.replicas,
        node.available,
        node.ready,
        node.up_to_date,
        node.status,
        node.reason,
        node.since,
        node.message,
    )
    for child in node.children:
        last = child is node.children[-1]
        yield from _rows(child, below + ("└─" if last else "├─"), below + ("  " if last else "│ "))


def _aligned(row: tuple[str, ...], widths: list[int], colour: bool) -> Iterator[str]:
    cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
    if colour:
        cells[5] = click.style(cells[5], fg=_colour(row[5]))
    lead = "  ".join(cells)
    first, *others = row[-1].split("\n")
    yield f"{lead}  {first}".rstrip()
    indent = " " * (sum(widths) + 2 * len(widths))
    for line in others:
        yield f"{indent}{line}".rstrip()


def _colour(status: str) -> str | None:
    if status in ("Ready: True", "Available: True"):
        return "green"
    if status.startswith("Deleting") or status.endswith("Unknown"):
        return "yellow"
    return "red" if status.endswith("False") else None
