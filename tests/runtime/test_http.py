from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from capelin.runtime import errors
from capelin.runtime.http import ATTEMPTS, Address, HttpConnection, LineStream
from capelin.runtime.logins import FixedLogin, Login, bearer
from capelin.runtime.transport import Request
from tests.integration.realserver import free_ports
from tests.runtime.serving import HurriedClock, connected, drop, hang, port, saying, streaming

GET = Request("GET", "/api/v1/pods")
POST = Request("POST", "/api/v1/namespaces/default/pods", body=b"{}", headers={"content-type": "application/json"})
WATCH = Request("GET", "/api/v1/pods", {"watch": "true", "timeoutSeconds": "1"})


class Rotating:
    """Logins that have a fresh one after the first was refused."""

    def __init__(self) -> None:
        self.renewals = 0

    async def current(self) -> Login:
        return Login(bearer("old" if not self.renewals else "new"))

    async def renew(self, refused: Login) -> Login:
        self.renewals += 1
        return await self.current()


async def lines(connection: HttpConnection, request: Request = WATCH) -> list[bytes]:
    response = await connection.send(request)
    assert isinstance(response.stream, LineStream)
    try:
        return [line async for line in response.stream]
    finally:
        await response.stream.aclose()


async def test_path_query_headers_and_body_arrive() -> None:
    async with port(saying(200, '{"ok":1}')) as p, connected(Address(p.url + "/k8s/clusters/c-1/")) as c:
        response = await c.send(Request("PATCH", "/api/v1/x y", {"labelSelector": "a in (b,c)+"}, {"content-type": "a/b"}, b"body"))

        got = p.requests[0]
        assert (got.method, got.path, dict(got.query)) == ("PATCH", "/k8s/clusters/c-1/api/v1/x y", {"labelSelector": "a in (b,c)+"})
        assert (got.headers["content-type"], await got.read()) == ("a/b", b"body")
        assert got.headers["user-agent"].startswith("capelin/")
        assert (response.status, response.body) == (200, b'{"ok":1}')


async def test_any_status_is_an_answer() -> None:
    async with port(saying(404, '{"reason":"NotFound"}')) as p, connected(Address(p.url)) as c:
        assert (await c.send(GET)).status == 404


async def test_an_answer_is_read_no_further_than_the_request_takes() -> None:
    async with port(saying(200, "x" * 1000)) as p, connected(Address(p.url)) as c:
        with pytest.raises(errors.ResultUnknown, match="longer than 999 bytes"):
            await c.send(replace(POST, answer_at_most=999))

        assert len((await c.send(replace(POST, answer_at_most=1000))).body) == 1000


async def test_nobody_there_is_unreachable_for_writes_too() -> None:
    (free,) = free_ports(1)
    async with connected(Address(f"http://127.0.0.1:{free}")) as c:
        with pytest.raises(errors.Unreachable) as told:
            await c.send(POST)

    assert not isinstance(told.value, errors.ResultUnknown)


async def test_a_write_without_an_answer_is_of_unknown_result_and_not_repeated() -> None:
    async with port(drop) as p, connected(Address(p.url)) as c:
        with pytest.raises(errors.ResultUnknown):
            await c.send(POST)

        assert len(p.requests) == 1


async def test_a_read_without_an_answer_is_repeated() -> None:
    clock = HurriedClock()
    async with port(drop, drop, saying(200)) as p, connected(Address(p.url), clock=clock) as c:
        assert (await c.send(GET)).status == 200

    assert clock.slept


async def test_reads_are_not_repeated_for_ever() -> None:
    async with port(drop) as p, connected(Address(p.url)) as c:
        with pytest.raises(errors.Unreachable):
            await c.send(GET)

        assert len(p.requests) >= ATTEMPTS


@pytest.mark.slow
@pytest.mark.parametrize(("request_", "want"), [(GET, errors.Unreachable), (POST, errors.ResultUnknown)])
async def test_a_server_that_never_answers_is_given_up(request_: Request, want: type[errors.ApiError]) -> None:
    async with port(hang) as p, connected(Address(p.url), call_timeout=timedelta(milliseconds=50)) as c:
        with pytest.raises(want):
            await c.send(request_)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("request_", [GET, POST])
async def test_a_short_pause_the_server_asks_for_is_kept(status: int, request_: Request) -> None:
    clock = HurriedClock()
    async with port(saying(status, retry_after="2"), saying(200)) as p, connected(Address(p.url), clock=clock) as c:
        assert (await c.send(request_)).status == 200

    assert [timedelta(seconds=2) <= pause < timedelta(seconds=3) for pause in clock.slept] == [True]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(saying(429, retry_after="60"), id="a long pause"),
        pytest.param(saying(503), id="no pause named"),
        pytest.param(saying(500, retry_after="1"), id="another status"),
    ],
)
async def test_other_refusals_are_the_callers(answer: object) -> None:
    clock = HurriedClock()
    async with port(answer) as p, connected(Address(p.url), clock=clock) as c:  # type: ignore[arg-type]  # parametrised
        assert (await c.send(GET)).status >= 400
        assert len(p.requests) == 1

    assert clock.slept == []


async def test_a_server_that_always_asks_for_a_pause_is_not_asked_for_ever() -> None:
    async with port(saying(429, retry_after="1")) as p, connected(Address(p.url)) as c:
        assert (await c.send(GET)).status == 429
        assert len(p.requests) == ATTEMPTS


async def test_a_refused_login_is_renewed_once() -> None:
    logins = Rotating()

    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(status=200 if request.headers["authorization"] == "Bearer new" else 401)

    async with port(serve) as p, connected(Address(p.url), logins) as c:
        assert (await c.send(POST)).status == 200

    assert logins.renewals == 1


async def test_a_login_that_cannot_be_renewed_stays_refused() -> None:
    async with port(saying(401)) as p, connected(Address(p.url), FixedLogin(Login(bearer("x")))) as c:
        assert (await c.send(GET)).status == 401
        assert len(p.requests) == 1


@pytest.mark.parametrize("request_", [GET, POST, WATCH])
async def test_redirects_are_refused_and_nobody_else_sees_the_login(request_: Request) -> None:
    async with port(saying(200)) as other, port(saying(307, location=other.url)) as p:
        async with connected(Address(p.url), FixedLogin(Login(bearer("secret")))) as c:
            with pytest.raises(errors.Unreachable):
                await c.send(request_)

        assert other.requests == []


async def test_lines_come_whole_however_they_are_cut() -> None:
    async with port(streaming(b'{"a":', b"1}\n{}", b"\n\n[", b"]\n")) as p, connected(Address(p.url)) as c:
        assert await lines(c) == [b'{"a":1}', b"{}", b"[]"]


@pytest.mark.slow
async def test_lines_longer_than_any_buffer_come_whole() -> None:
    long = b"x" * (9 << 20)
    async with port(streaming(b"a\n" + long + b"\nb\n")) as p, connected(Address(p.url)) as c:
        assert await lines(c) == [b"a", long, b"b"]


@pytest.mark.slow
async def test_a_line_without_end_is_given_up() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * (1 << 20))

    async with port(flood) as p, connected(Address(p.url)) as c:
        with pytest.raises(errors.Unreachable):
            await lines(c)


async def test_a_watch_that_breaks_is_unreachable() -> None:
    async with port(streaming(b"{}\n", then="break")) as p, connected(Address(p.url)) as c:
        with pytest.raises(errors.Unreachable):
            await lines(c)


async def test_a_watch_that_is_refused_is_an_answer() -> None:
    async with port(saying(410, '{"reason":"Expired"}')) as p, connected(Address(p.url)) as c:
        response = await c.send(WATCH)

    assert (response.status, response.stream) == (410, None)


@pytest.mark.slow
async def test_a_watch_that_does_not_begin_is_given_up() -> None:
    async with port(hang) as p, connected(Address(p.url), call_timeout=timedelta(milliseconds=50)) as c:
        with pytest.raises(errors.Unreachable):
            await c.send(WATCH)


async def test_a_stream_may_be_left_before_its_first_line() -> None:
    async with port(streaming(b"{}\n", then="silent")) as p, connected(Address(p.url)) as c:
        response = await c.send(WATCH)
        assert isinstance(response.stream, LineStream)

        await response.stream.aclose()


async def test_watches_do_not_starve_calls() -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await (streaming(b"{}\n", then="silent") if "watch" in request.query else saying(200))(request)

    async with port(serve) as p, connected(Address(p.url)) as c:
        streams = [(await c.send(WATCH)).stream for _ in range(60)]

        assert (await c.send(GET)).status == 200

        for stream in streams:
            assert isinstance(stream, LineStream)
            await stream.aclose()
