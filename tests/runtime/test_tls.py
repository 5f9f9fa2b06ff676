"""Who trusts whom over TLS."""

import ssl
import sys
import tempfile
from dataclasses import replace

import pytest
from aiohttp import web

from capelin.runtime import errors, tls
from capelin.runtime.http import Address, connect
from capelin.runtime.logins import FixedLogin, Login
from capelin.runtime.transport import Credentials, Request
from tests.integration.authority import Authority
from tests.runtime.serving import connected, port, saying

GET = Request("GET", "/version")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("stranger"))


def serving(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.certificate.decode())
    context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


async def common_name(request: web.Request) -> web.StreamResponse:
    """Answer with the name in the client's certificate."""
    certificate = request.get_extra_info("peercert") or {}
    names = {name: value for part in certificate.get("subject", ()) for name, value in part}
    return web.Response(text=names.get("commonName", "nobody"))


async def test_a_server_of_the_clusters_authority_is_trusted_and_shown_our_certificate(authority: Authority) -> None:
    certificate, key = authority.client("ada")
    async with port(common_name, tls=serving(authority)) as p:
        connection = connect(Credentials(p.url, authority.certificate, certificate, key))
        try:
            assert (await connection.send(GET)).body == b"ada"
        finally:
            await connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere keys go through a file for a moment")
async def test_no_disk_needs_to_be_writable(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    certificate, key = authority.client("ada")

    async with (
        port(common_name, tls=serving(authority)) as p,
        connected(Address(p.url, authority.certificate), FixedLogin(Login("", certificate, key))) as c,
    ):
        assert (await c.send(GET)).body == b"ada"


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    certificate, _ = authority.client("ada")
    _, key = authority.client("bob")

    with pytest.raises(ssl.SSLError):
        tls.show(ssl.create_default_context(), certificate, key)


async def test_what_people_note_around_an_authority_does_no_harm(authority: Authority) -> None:
    noted = "für uns\n".encode() + b"\xff\n" + authority.certificate
    async with port(common_name, tls=serving(authority)) as p, connected(Address(p.url, noted)) as c:
        assert (await c.send(GET)).body == b"nobody"


async def test_a_server_of_another_authority_gets_no_request(authority: Authority, stranger: Authority) -> None:
    async with port(saying(200), tls=serving(authority)) as p, connected(Address(p.url, stranger.certificate)) as c:
        with pytest.raises(errors.Unreachable) as told:
            await c.send(Request("POST", "/x"))

        assert not isinstance(told.value, errors.ResultUnknown)
        assert p.requests == []


async def test_the_systems_authorities_are_not_asked_when_the_cluster_has_its_own(authority: Authority) -> None:
    async with port(saying(200), tls=serving(authority)) as p, connected(Address(p.url)) as c:
        with pytest.raises(errors.Unreachable):
            await c.send(GET)


@pytest.mark.parametrize(("name", "trusted"), [("localhost", True), ("elsewhere.example.org", False)])
async def test_a_named_server_must_be_the_one_in_the_certificate(authority: Authority, name: str, trusted: bool) -> None:
    async with port(saying(200), tls=serving(authority)) as p, connected(Address(p.url, authority.certificate, server_name=name)) as c:
        if trusted:
            assert (await c.send(GET)).status == 200
            return
        with pytest.raises(errors.Unreachable):
            await c.send(GET)


async def test_nothing_is_checked_when_that_was_asked_for(authority: Authority) -> None:
    async with port(saying(200), tls=serving(authority)) as p, connected(Address(p.url, insecure=True)) as c:
        assert (await c.send(GET)).status == 200


async def test_a_certificate_that_is_replaced_is_shown_from_then_on(authority: Authority) -> None:
    pairs = [authority.client("ada"), authority.client("bob")]
    logins = FixedLogin(Login("", *pairs[0]))
    async with port(common_name, tls=serving(authority)) as p, connected(Address(p.url, authority.certificate), logins) as c:
        assert (await c.send(GET)).body == b"ada"

        c.logins = replace(logins, login=Login("", *pairs[1]))

        assert (await c.send(GET)).body == b"bob"
