"""Whether a cluster lets a machine join."""

from dataclasses import replace
from datetime import timedelta

import pytest

from capelin.api.core import Secret
from capelin.api.meta import ObjectKey
from capelin.cloud.inmemory.joining import JoinRefused, check_authority, check_endpoint, check_token, token_secret
from capelin.cloud.inmemory.kubeadm import Discovery
from capelin.cloud.inmemory.orders import Stage, State
from tests import build
from tests.cloud.world import TOKEN, World, control_plane, startups, worker
from tests.fakes import NOW

HOUR = timedelta(hours=1)
USABLE = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}


def token(type_: str = "bootstrap.kubernetes.io/token", **data: str) -> Secret:
    values: dict[str, bytes | str] = {**USABLE, **{key.replace("_", "-"): value for key, value in data.items()}}
    return build.secret("bootstrap-token-abcdef", values, type_=type_, namespace="kube-system")


def refusal(found: Secret | None) -> str:
    with pytest.raises(JoinRefused) as error:
        check_token(TOKEN, found, now=NOW)
    return str(error.value)


def test_a_good_token_is_let_in() -> None:
    check_token(TOKEN, token(), now=NOW)
    check_token(TOKEN, token(expiration=f"{NOW + HOUR:%Y-%m-%dT%H:%M:%SZ}"), now=NOW)


def test_a_token_nobody_made_is_refused() -> None:
    assert refusal(None) == "the bootstrap token abcdef is unknown"
    assert refusal(token(type_="Opaque")) == "the bootstrap token abcdef is unknown"


def test_an_expired_token_is_refused_from_that_very_moment() -> None:
    assert "has expired at 2026-01-02T03:04:05Z" in refusal(token(expiration=f"{NOW:%Y-%m-%dT%H:%M:%SZ}"))
    assert "which is no time" in refusal(token(expiration="tomorrow"))


def test_another_secret_is_refused_and_not_repeated() -> None:
    got = refusal(token(token_secret="fedcba9876543210"))

    assert got == "the secret of the bootstrap token abcdef is another"


def test_a_token_for_something_else_is_refused() -> None:
    assert "not for authentication" in refusal(token(usage_bootstrap_authentication="false"))


@pytest.mark.parametrize("text", ["", "abcdef", "ABCDEF.0123456789abcdef", "abcdef.0123456789abcdef ", "../etc.0123456789abcdef"])
def test_what_has_not_the_form_of_a_token_names_no_secret(text: str) -> None:
    with pytest.raises(JoinRefused, match="has not the form"):
        token_secret(text)


def test_an_authority_is_known_by_the_hash_of_its_key() -> None:
    check_authority(Discovery(hashes=("sha256:aa", "sha256:bb")), "sha256:bb")
    check_authority(Discovery(skips_verification=True), "sha256:bb")

    with pytest.raises(JoinRefused, match="public key sha256:bb, trusted are sha256:aa"):
        check_authority(Discovery(hashes=("sha256:aa",)), "sha256:bb")
    with pytest.raises(JoinRefused, match="trusted are none"):
        check_authority(Discovery(), "sha256:bb")


def test_a_machine_that_looks_elsewhere_finds_nobody() -> None:
    check_endpoint(Discovery(endpoint="10.0.0.1:6443"), "10.0.0.1:6443")

    with pytest.raises(JoinRefused, match=r"no control plane answers at 10\.0\.0\.2:6443"):
        check_endpoint(Discovery(endpoint="10.0.0.2:6443"), "10.0.0.1:6443")


async def test_a_machine_that_is_told_late_that_it_had_joined_needs_no_token_again() -> None:
    world = World()
    order = worker()
    await world.run_cluster(order)
    await world.restart()
    await world.settle(control_plane(has_joined=True))
    await world.outside().delete(Secret, ObjectKey("kube-system", f"bootstrap-token-{TOKEN.partition('.')[0]}"))
    await world.cloud.advance(replace(order, startups=startups()))

    progress = await world.settle(replace(order, has_joined=True))

    assert progress.steps[Stage.NODE].state is State.DONE
