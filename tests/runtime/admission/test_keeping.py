"""What replicas show and API servers trust, from the first start through every rotation."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from capelin.api.meta import Unstructured
from capelin.runtime import errors
from capelin.runtime.admission.keeping import SECRETS
from tests.fakes import Died, InterruptingClient
from tests.runtime.admission.world import SECRET, TERMS, Replica, World, trusts

ROTATION = TERMS.authority * 2 / 3
"""By when the authority's successor is announced."""


def count(bundle: bytes) -> int:
    return bundle.count(b"BEGIN CERTIFICATE")


async def until_announced(world: World) -> None:
    """Let time pass until two authorities are to be trusted."""
    for _ in range(round(ROTATION / TERMS.look_again)):
        if count(world.published()[0]) == 2:
            return
        await world.pass_time(TERMS.look_again)
    raise AssertionError("no successor was announced")


async def test_the_first_start_makes_an_authority_and_publishes_it() -> None:
    world = World()
    replica = world.replica(leads=True)

    await replica.server.publish()

    assert replica.server.ready
    assert set(world.published()) == {world.files["ca.crt"]}
    assert trusts(world.files["ca.crt"], replica.certificate)


async def test_a_second_replica_shows_what_the_first_made() -> None:
    world = World()
    first, second = world.replica(leads=True), world.replica()

    with world.running(first, second):
        await world.rest()

        assert first.certificate == second.certificate != b""


async def test_a_replica_that_does_not_lead_publishes_nothing() -> None:
    world = World()
    replica = world.replica()

    with world.running(replica):
        await world.rest()

        assert replica.server.ready
        assert world.published() == []


async def test_a_restart_keeps_the_bundle_and_writes_nothing() -> None:
    world = World()
    await world.replica(leads=True).server.publish()
    before, writes = world.published(), len(world.client.writes)

    await world.replica(leads=True).server.publish()

    assert world.published() == before
    assert len(world.client.writes) == writes


async def test_a_certificate_is_renewed_at_two_thirds_of_its_life_with_the_same_authority() -> None:
    world = World()
    replica = world.replica(leads=True)
    with world.running(replica):
        await world.rest()
        first, bundle = replica.certificate, world.published()

        await world.pass_time(TERMS.serving * 2 / 3 - timedelta(minutes=5))
        before = replica.certificate
        await world.pass_time(timedelta(minutes=5))

        assert before == first
        assert replica.certificate != first
        assert world.published() == bundle


async def test_a_rotation_trusts_both_authorities_until_nobody_can_show_the_old_one() -> None:
    world = World()
    first, second = world.replica(leads=True), world.replica()
    with world.running(first, second):
        await world.rest()
        old = world.files["authority.crt"]
        await until_announced(world)
        announced = count(world.published()[0]), trusts(old, first.certificate)

        await world.pass_time(TERMS.settling + timedelta(minutes=2))
        switched = count(world.published()[0]), trusts(old, first.certificate), trusts(old, second.certificate)
        await world.pass_time(TERMS.retiring + timedelta(minutes=2))

        assert announced == (2, True)
        assert switched == (2, False, False)
        assert [count(bundle) for bundle in world.published()] == [1, 1, 1]
        assert old not in world.published()
        assert world.mistrusted((first, second)) == []


async def live(world: World, replica: Replica) -> None:
    """Have a replica look every two minutes, until well after a rotation."""
    for _ in range(80):
        await replica.server.publish()
        await world.clock.advance(timedelta(minutes=2))


@pytest.mark.parametrize("after", [False, True], ids=["before the server saw it", "before the answer"])
@pytest.mark.parametrize("dies_at", range(7))
async def test_a_crash_at_any_write_of_start_and_rotation_is_repaired(dies_at: int, after: bool) -> None:
    world = World()
    cut = InterruptingClient(world.client, dies_at, after)
    victim = world.replica(leads=True, client=cut)
    with pytest.raises(Died):
        await live(world, victim)

    survivor = world.replica(leads=True)
    with world.running(survivor):
        await world.pass_time(timedelta(minutes=40))

        assert survivor.server.ready
        assert world.mistrusted([survivor]) == []
        assert len(set(world.published())) == 1
        assert len(world.published()) == 3


async def test_of_two_replicas_that_start_together_one_gives_way() -> None:
    world = World()
    first, second = world.replica(), world.replica()
    world.client.fail_write(0, errors.AlreadyExists("another was faster"))

    with world.running(first, second):
        await world.rest()

        assert first.certificate == second.certificate != b""


async def test_of_two_replicas_that_renew_together_one_gives_way() -> None:
    world = World()
    first, second = world.replica(), world.replica()
    with world.running(first, second):
        await world.rest()
        old = first.certificate
        world.client.fail_write(0, errors.Conflict("another was faster"))

        await world.pass_time(TERMS.serving * 2 / 3)

        assert first.certificate == second.certificate != old


DAMAGE = {
    "no key of its own": {"ca_key": b"none"},
    "no PEM": {"authority_crt": b"certificate"},
    "another bundle": {"ca_crt": b""},
    "a file less": {"ca_key": None},
    "garbage among the retired": {"retired_crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_damaged_secret_is_replaced_by_who_remembers_and_trust_is_kept(damage: dict[str, bytes | None]) -> None:
    world = World()
    replica = world.replica(leads=True)
    with world.running(replica):
        await world.rest()
        shown = replica.certificate
        world.change(**damage)

        await world.pass_time(timedelta(minutes=1))

        assert replica.recorder.reasons == ["CertificatesReplaced"]
        assert replica.certificate == shown
        assert count(world.published()[0]) == 2
        assert world.mistrusted([replica]) == []


async def test_a_damaged_secret_is_replaced_at_the_start_and_no_key_is_logged() -> None:
    world = World()
    await world.replica(leads=True).server.publish()
    old = world.files
    world.change(ca_key=old["tls.key"])
    replica = world.replica(leads=True)

    with capture_logs() as logs:
        await replica.server.publish()

    assert world.files["authority.crt"] != old["authority.crt"]
    assert set(world.published()) == {world.files["ca.crt"]}
    assert [line["found"] for line in logs if line["log_level"] == "warning"] != []
    assert "PRIVATE KEY" not in str(logs) + str(replica.recorder.events)


async def test_a_served_certificate_that_does_not_fit_its_key_is_renewed_with_the_same_authority() -> None:
    world = World()
    await world.replica(leads=True).server.publish()
    bundle = world.files["ca.crt"]
    world.change(tls_key=world.files["ca.key"])
    replica = world.replica(leads=True)

    await replica.server.publish()

    assert world.files["ca.crt"] == bundle
    assert world.mistrusted([replica]) == []


async def test_a_secret_of_another_type_is_replaced() -> None:
    world = World()
    world.client.seed(Unstructured(SECRETS, {"metadata": {"name": SECRET.name, "namespace": SECRET.namespace}, "type": "Opaque"}))
    replica = world.replica(leads=True)

    await replica.server.publish()

    assert replica.server.ready
    assert (world.client.stored(SECRETS, SECRET) or {})["type"] == "kubernetes.io/tls"


async def test_a_secret_that_was_declared_to_be_filled_in_is_filled_in() -> None:
    world = World()
    metadata = {"name": SECRET.name, "namespace": SECRET.namespace}
    empty = {"metadata": metadata, "type": "kubernetes.io/tls", "data": {"tls.crt": None, "tls.key": None}}
    world.client.seed(Unstructured(SECRETS, empty))
    replica = world.replica(leads=True)

    await replica.server.publish()

    assert trusts(world.files["ca.crt"], replica.certificate)


async def test_deleting_the_secret_changes_authorities_without_a_moment_of_mistrust() -> None:
    world = World()
    replica = world.replica(leads=True)
    with world.running(replica):
        await world.rest()
        old = world.files["authority.crt"]
        await world.client.delete(SECRETS, SECRET)

        for _ in range(30):
            await world.pass_time(timedelta(minutes=1))
            assert world.mistrusted([replica]) == []

        assert old not in world.files["ca.crt"]
        assert trusts(world.files["ca.crt"], replica.certificate)


@pytest.mark.parametrize("years", [10, -10], ids=["forward", "back"])
async def test_a_jump_of_the_clock_that_leaves_nothing_valid_makes_everything_anew(years: int) -> None:
    world = World()
    replica = world.replica(leads=True)
    with world.running(replica):
        await world.rest()
        world.clock.at += timedelta(days=365 * years)
        before = replica.server.ready

        await world.pass_time(timedelta(minutes=1))

        assert not before
        assert replica.server.ready
        assert world.mistrusted([replica]) == []


async def test_no_jump_of_the_clock_shortens_what_a_rotation_waits_for() -> None:
    world = World()
    replica = world.replica(leads=True)
    with world.running(replica):
        await world.rest()
        old = world.files["authority.crt"]
        await until_announced(world)
        world.clock.at += TERMS.retiring

        await world.pass_time(TERMS.look_again)

        assert trusts(old, replica.certificate)
        assert count(world.published()[0]) == 2


async def test_a_replica_that_cannot_look_stops_calling_itself_ready_and_recovers() -> None:
    world = World()
    replica = world.replica()
    with world.running(replica):
        await world.rest()
        world.client.read_faults["secrets", SECRET.name] = errors.Unreachable("down")

        await world.pass_time(TERMS.fresh + timedelta(minutes=2))
        during = replica.server.ready
        world.client.read_faults.clear()
        await world.pass_time(timedelta(minutes=1))

        assert not during
        assert replica.server.ready


async def test_replicas_under_different_names_share_a_certificate_for_all_of_them() -> None:
    world = World()
    first, second = world.replica(host="10.0.0.1"), world.replica(host="hooks.example.org")
    with world.running(first, second):
        await world.pass_time(timedelta(minutes=3))
        writes = len(world.client.writes)

        await world.pass_time(timedelta(minutes=10))

        assert first.certificate == second.certificate
        assert len(world.client.writes) == writes


async def test_who_takes_over_the_lead_rewrites_the_url_to_its_own() -> None:
    world = World()
    await world.replica(leads=True, host="10.0.0.1").server.publish()
    second = world.replica(leads=True, host="10.0.0.2")

    await second.server.publish()

    assert world.urls() == {f"https://10.0.0.2:9443/{path}" for path in ("mutate", "judge", "weigh")}
    assert world.mistrusted([second]) == []
