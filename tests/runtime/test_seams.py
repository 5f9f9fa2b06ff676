import re
from datetime import timedelta

from capelin.runtime.seams import SystemClock, SystemRandom, SystemThreads


def test_identifiers_are_version_4_and_differ() -> None:
    uids = {SystemRandom().uid() for _ in range(100)}

    assert len(uids) == 100
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uid) for uid in uids)


def test_tokens_have_the_length_and_letters_asked_for() -> None:
    assert re.fullmatch(r"[xyz]{40}", SystemRandom().token(40, "xyz"))


async def test_a_sleep_of_no_time_is_one_turn_of_the_loop() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(timedelta(seconds=-5))

    assert clock.monotonic() - before < 1
    assert clock.now().tzinfo is not None


async def test_threads_compute_and_start() -> None:
    done: list[int] = []

    assert await SystemThreads().run(lambda: 7) == 7
    SystemThreads().start(lambda: done.append(1), name="test").join(timeout=5)
    assert done == [1]
