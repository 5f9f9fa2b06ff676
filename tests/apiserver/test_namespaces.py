"""The life of Namespaces."""

from capelin.apiserver.server import ApiServer
from tests.apiserver.api import NAMESPACES, Api, config_map
from tests.fakes import FakeClock, FakeRandom

SPACE = f"{NAMESPACES}/space"
INSIDE = f"{SPACE}/configmaps"


async def _with_space(api: Api, **metadata: object) -> None:
    await api.have(NAMESPACES, {"metadata": {"name": "space"}})
    await api.have(INSIDE, config_map("a", **metadata))


async def test_a_new_namespace_is_active_and_held_by_its_own_finalizer(api: Api) -> None:
    stored = await api.have(NAMESPACES, {"metadata": {"name": "space"}})

    assert stored["status"] == {"phase": "Active"}
    assert stored["spec"] == {"finalizers": ["kubernetes"]}
    assert stored["metadata"]["labels"] == {"kubernetes.io/metadata.name": "space"}


async def test_a_namespace_takes_its_content_along(api: Api) -> None:
    await _with_space(api)

    got = await api.delete(SPACE)
    await api.rest()

    assert got.body["status"]["phase"] == "Terminating"
    assert (await api.get(SPACE)).status == 404
    assert (await api.get(f"{INSIDE}/a")).status == 404


async def test_a_namespace_waits_for_what_finalizers_hold_and_says_so(api: Api) -> None:
    await _with_space(api, finalizers=["example.com/hold"])

    await api.delete(SPACE)
    await api.rest()

    conditions = {found["type"]: found for found in (await api.get(SPACE)).body["status"]["conditions"]}
    assert conditions["NamespaceContentRemaining"]["message"] == "Some resources are remaining: configmaps has 1 resource instances"
    assert conditions["NamespaceFinalizersRemaining"]["status"] == "True"

    await api.patch(f"{INSIDE}/a", {"metadata": {"finalizers": None}})
    await api.rest()
    assert (await api.get(SPACE)).status == 404


async def test_nothing_is_created_in_a_namespace_that_is_being_deleted(api: Api) -> None:
    await _with_space(api, finalizers=["example.com/hold"])
    await api.delete(SPACE)

    got = await api.create(INSIDE, config_map("b"))

    assert (got.status, got.body["reason"]) == (403, "Forbidden")
    assert got.message == ('configmaps "b" is forbidden: unable to create new content in namespace space because it is being terminated')
    assert got.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_the_namespaces_of_the_system_stay(api: Api) -> None:
    got = await api.delete(f"{NAMESPACES}/kube-system")

    assert got.status == 403
    assert got.message == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'


async def test_the_finalizers_of_a_namespace_change_through_finalize_alone(api: Api) -> None:
    await api.have(NAMESPACES, {"metadata": {"name": "space"}})

    ignored = await api.patch(SPACE, {"spec": {"finalizers": []}})
    assert ignored.body["spec"]["finalizers"] == ["kubernetes"]
    replaced = await api.update(f"{SPACE}/finalize", {"metadata": {"name": "space"}, "spec": {"finalizers": []}})
    assert replaced.body["spec"]["finalizers"] == []

    await api.delete(SPACE)
    assert (await api.get(SPACE)).status == 404


async def test_a_deletion_goes_on_after_a_restart(api: Api) -> None:
    await _with_space(api)
    await api.delete(SPACE)
    await api.server.stop()

    server = ApiServer(api.server.store, clock=FakeClock(), random=FakeRandom())
    await server.start()
    again = Api(server, FakeClock())
    await again.rest()

    assert (await again.get(SPACE)).status == 404
    await server.stop()
