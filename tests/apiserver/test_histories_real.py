"""Random histories of creates, applies, updates and patches on the real server and on ours: equal after every write.

One difference is on purpose: where the last field of an object goes, the real server leaves null behind and refuses its own result; ours
leaves nothing behind.
"""

from __future__ import annotations

import os
import random  # noqa: TID251 - seeded by the number of the history, so that every run writes the same
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.apiserver.api import CRDS, Api
from tests.apiserver.schemas import NUMBER, TEXT, fields, list_of, map_of
from tests.apiserver.sidebyside import Answer, Document, Ours, Step, comparable, connected, until_served, write
from tests.integration.realserver import RealServer
from tests.runtime.documents.test_schema_real import GROUP, definition

pytestmark = [pytest.mark.real, pytest.mark.slow]

HISTORIES = int(os.environ.get("CAPELIN_HISTORIES", "40"))
WRITES = 12
THINGS = f"/apis/{GROUP}/v1/namespaces/default/things"
ITEM = {**fields(k=TEXT, p={**TEXT, "default": "P"}, v=NUMBER, sub=fields(a=TEXT, b=TEXT), l=list_of(TEXT, "set")), "required": ["k"]}
SCHEMA = fields(
    spec=fields(
        text=TEXT,
        number={**NUMBER, "default": 3},
        labels=map_of(TEXT),
        whole={**fields(x=TEXT, y=TEXT), "x-kubernetes-map-type": "atomic"},
        items=list_of(ITEM, "map", "k", "p"),
        names=list_of(TEXT, "set"),
        list=list_of(fields(z=TEXT)),
        inner=fields(a=TEXT, deep=fields(b=TEXT, c=TEXT)),
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        objects=map_of(fields(a=TEXT, b=TEXT)),
        either={"x-kubernetes-int-or-string": True},
        nullable={**TEXT, "nullable": True},
    )
)


@dataclass
class Author:
    """Makes up what clients send."""

    dice: random.Random

    def word(self) -> str:
        return self.dice.choice("xyz")

    def words(self) -> list[str]:
        return list(dict.fromkeys(self.word() for _ in range(self.dice.randint(0, 3))))

    def some(self, **parts: Callable[[], Any]) -> Document:
        return {name: part() for name, part in parts.items() if self.dice.random() < 0.45}

    def items(self) -> list[Document]:
        found = [
            {"k": self.word(), **self.some(p=lambda: self.dice.choice("PQ"), v=lambda: 1, sub=self.sub, l=self.words)} for _ in range(3)
        ]
        unique = {(item["k"], item.get("p", "P")): item for item in found[: self.dice.randint(0, 3)]}
        return list(unique.values())

    def sub(self) -> Document:
        return {self.dice.choice("ab"): self.word()}

    def spec(self) -> Document:
        anything: list[Any] = [1, True, "x", [1], {"h": 1}, {"h": {"i": 2}}, None]
        return self.some(
            text=self.word,
            number=lambda: self.dice.randint(1, 3),
            labels=lambda: {self.dice.choice("pqr"): self.word() for _ in range(self.dice.randint(0, 2))},
            whole=lambda: {self.dice.choice("xy"): self.word()},
            items=self.items,
            names=self.words,
            list=lambda: [{"z": self.word()}],
            inner=lambda: self.some(a=self.word, deep=lambda: {self.dice.choice("bc"): self.word()}),
            free=lambda: {self.dice.choice("fg"): self.dice.choice(anything)},
            objects=lambda: {self.dice.choice("mn"): self.sub()},
            either=lambda: self.dice.choice([1, "5%"]),
            nullable=lambda: self.dice.choice([None, "x"]),
        )

    def step(self, name: str, *, first: bool) -> Step:
        spec = self.spec()
        document = {"apiVersion": f"{GROUP}/v1", "kind": "Thing", "metadata": {"name": name, "namespace": "default"}, "spec": spec}
        match self.dice.choice(["create", "apply"] if first else ["apply", "apply", "apply", "update", "merge"]):
            case "update":
                return Step("update", self.dice.choice("uv"), lambda live: {**live, "spec": spec})
            case "merge":
                return Step("merge", self.dice.choice("uv"), {"spec": spec})
            case verb:
                return Step(verb, self.dice.choice("abc"), document, force=verb == "apply" and self.dice.random() < 0.6)


def leaves_null_behind(answer: Answer) -> bool:
    return answer[0] == 422 and '"null"' in answer[1]["message"]


async def test_histories(real_server: RealServer, api: Api) -> None:
    with connected(real_server) as theirs:
        ours = Ours(api)
        for server in (theirs, ours):
            await server("POST", CRDS, definition("thing", SCHEMA))
            await until_served(server, THINGS)

        for seed in range(HISTORIES):
            author = Author(random.Random(seed))
            for number in range(WRITES):
                step = author.step(f"thing-{seed}", first=number == 0)
                want, got = await write(theirs, THINGS, f"thing-{seed}", step), await write(ours, THINGS, f"thing-{seed}", step)
                if leaves_null_behind(want) and got[0] == 200:
                    break  # from here on the two objects differ
                assert comparable(got) == comparable(want), f"history {seed}, write {number}: {step}"
