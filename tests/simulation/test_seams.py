from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capelin.simulation.seams import START, Chance, ComputedKeys, CountedPorts, VirtualClock
from tests.simulation.virtual import in_virtual_time


def drawn(chance: Chance, count: int = 20) -> list[int]:
    return [chance.randrange(1_000_000) for _ in range(count)]


def test_one_seed_and_purpose_give_one_stream() -> None:
    assert drawn(Chance(4, "faults")) == drawn(Chance(4, "faults"))


@pytest.mark.parametrize("other", [Chance(5, "faults"), Chance(4, "order"), Chance(4, "faults", "x")], ids=["seed", "purpose", "detail"])
def test_another_seed_or_purpose_gives_another_stream(other: Chance) -> None:
    assert drawn(Chance(4, "faults")) != drawn(other)


def test_what_one_purpose_draws_changes_nothing_for_another() -> None:
    alone = drawn(Chance(4, "order"))
    faults, order = Chance(4, "faults"), Chance(4, "order")

    drawn(faults, 100)

    assert drawn(order) == alone


def test_identifiers_are_version_4() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", Chance(0).uid())


def test_skew_moves_the_wall_clock_and_nothing_that_is_measured() -> None:
    async def work() -> tuple[timedelta, float]:
        clock = VirtualClock()
        before = clock.monotonic()
        clock.skew = timedelta(hours=1)
        await clock.sleep(timedelta(seconds=10))
        return clock.now() - START, clock.monotonic() - before

    shown, measured = in_virtual_time(work)

    assert shown == timedelta(hours=1, seconds=10)
    assert measured == 10


def test_a_sleep_of_no_time_is_one_turn() -> None:
    async def work() -> tuple[bool, float]:
        ran = asyncio.Event()
        asyncio.get_running_loop().call_soon(ran.set)
        for _ in range(10):  # whose turn it is, is drawn
            await VirtualClock().sleep(timedelta(seconds=-1))
        return ran.is_set(), VirtualClock().monotonic()

    assert in_virtual_time(work) == (True, 0)


def test_keys_are_real_keys_that_repeat_and_differ() -> None:
    async def work(keys: ComputedKeys) -> list[bytes]:
        return [await keys.generate("ECDSA-P256") for _ in range(2)]

    first, second = (in_virtual_time(lambda: work(ComputedKeys())) for _ in range(2))

    assert first == second
    assert len(set(first)) == 2
    load_pem_private_key(first[0], None)


def test_a_key_of_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="'DSA', allowed are ECDSA-P256"):
        in_virtual_time(lambda: ComputedKeys().generate("DSA"))


def test_no_port_is_given_twice_nor_one_to_be_avoided() -> None:
    ports = CountedPorts()

    first = ports.free("127.0.0.1", ())
    second = ports.free("127.0.0.1", (first + 1,))

    assert second == first + 2
