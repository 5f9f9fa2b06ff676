"""Certificates that somebody else puts into a folder."""

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from capelin.runtime import pki
from capelin.runtime.admission.keeping import MountedFiles
from capelin.runtime.admission.server import AdmissionServer
from capelin.runtime.pki import CertificateError, KeyPair
from capelin.runtime.transport import Handler, ServingIdentity
from tests.fakes import FakeClock, FakeKeys, settle
from tests.runtime.admission.world import Silent, Windows


async def pair(keys: FakeKeys, clock: FakeClock) -> KeyPair:
    authority = pki.authority("test", await keys.generate("ECDSA-P256"), now=clock.now(), valid_for=timedelta(days=2))
    key = await keys.generate("ECDSA-P256")
    return pki.issue(authority, key, common_name="hooks", usage="server", now=clock.now(), valid_for=timedelta(days=1))


def mount(folder: Path, found: KeyPair) -> None:
    (folder / "tls.crt").write_bytes(found.certificate)
    (folder / "tls.key").write_bytes(found.key)


def serving(folder: Path, clock: FakeClock, windows: Windows) -> AdmissionServer:
    return AdmissionServer(Silent(), "127.0.0.1", 9443, windows, MountedFiles(folder, clock), None, lambda: True, clock)


async def test_files_are_shown_and_nothing_is_published(tmp_path: Path) -> None:
    clock, windows = FakeClock(), Windows()
    found = await pair(FakeKeys(), clock)
    mount(tmp_path, found)
    server = serving(tmp_path, clock, windows)

    await server.publish()

    assert server.ready
    assert [identity.certificate for identity in windows.opened] == [found.certificate]


async def test_files_that_changed_are_shown_at_the_next_look(tmp_path: Path) -> None:
    clock, windows, keys = FakeClock(), Windows(), FakeKeys()
    mount(tmp_path, await pair(keys, clock))
    server = serving(tmp_path, clock, windows)
    await server.publish()
    renewed = await pair(keys, clock)
    mount(tmp_path, renewed)

    await server.publish()

    assert windows.opened[-1].certificate == renewed.certificate
    assert windows.closed == 0


async def test_a_key_of_another_certificate_is_not_shown(tmp_path: Path) -> None:
    clock, keys = FakeClock(), FakeKeys()
    first, second = await pair(keys, clock), await pair(keys, clock)
    mount(tmp_path, KeyPair(first.certificate, second.key))

    with pytest.raises(CertificateError):
        await MountedFiles(tmp_path, clock).look(None)


async def test_a_folder_without_files_is_waited_for(tmp_path: Path) -> None:
    clock, windows = FakeClock(), Windows()
    server = serving(tmp_path, clock, windows)

    with_nothing = asyncio.ensure_future(server.publish())
    await settle()
    before = server.ready
    mount(tmp_path, await pair(FakeKeys(), clock))
    await clock.advance(timedelta(seconds=3))
    await with_nothing

    assert (before, server.ready) == (False, True)


class Picky(Windows):
    """Cannot show what it was not opened with."""

    async def open(self, host: str, port: int, handler: Handler, identity: ServingIdentity) -> None:
        if self.opened:
            raise ssl.SSLError("ee key too small")
        await super().open(host, port, handler, identity)


async def test_a_renewed_certificate_that_cannot_be_shown_ends_nothing_while_the_old_one_is_good(tmp_path: Path) -> None:
    clock, windows, keys = FakeClock(), Picky(), FakeKeys()
    found = await pair(keys, clock)
    mount(tmp_path, found)
    server = serving(tmp_path, clock, windows)
    running = asyncio.ensure_future(server.run())
    await settle()

    mount(tmp_path, await pair(keys, clock))
    await clock.advance(timedelta(minutes=5))
    meanwhile = server.ready
    await clock.advance(timedelta(minutes=10))

    assert not running.done()
    assert (meanwhile, server.ready) == (True, False)
    assert [identity.certificate for identity in windows.shown.values()] == [found.certificate]
    running.cancel()


async def test_an_address_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    clock, windows = FakeClock(), Picky(opened=[ServingIdentity(b"", b"", b"")])
    mount(tmp_path, await pair(FakeKeys(), clock))

    with pytest.raises(OSError, match="too small"):
        await serving(tmp_path, clock, windows).run()
