"""Ports of this host."""

import socket
from collections.abc import Iterator

import pytest

from capelin.cloud.inmemory.ports import RANGE, SystemPorts
from tests.fakes import FakeRandom

HOST = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield int(server.getsockname()[1])


def test_a_port_that_is_listened_on_is_not_free(taken: int) -> None:
    assert not SystemPorts(FakeRandom()).is_free(HOST, taken)


def test_a_port_that_cannot_be_is_not_free() -> None:
    assert not SystemPorts(FakeRandom()).is_free("192.0.2.1", 20_000)


def test_a_free_port_lies_in_the_range_and_is_given_once() -> None:
    ports = SystemPorts(FakeRandom())

    got = [ports.free(HOST, ()) for _ in range(20)]

    assert len(set(got)) == 20
    assert all(port in RANGE for port in got)


def test_a_port_can_be_asked_of_other_ports() -> None:
    assert SystemPorts(FakeRandom(), range(18_000, 18_100)).free(HOST, ()) in range(18_000, 18_100)


def test_ports_of_others_are_avoided() -> None:
    first = SystemPorts(FakeRandom()).free(HOST, ())

    assert SystemPorts(FakeRandom()).free(HOST, {first}) != first


def test_when_all_are_taken_that_is_said() -> None:
    with pytest.raises(OSError, match=r"no port of 127\.0\.0\.1 between 20000 and 29999 is free"):
        SystemPorts(FakeRandom()).free(HOST, RANGE)
