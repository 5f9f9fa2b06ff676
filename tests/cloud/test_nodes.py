"""What a simulated kubelet reports."""

from capelin.cloud.inmemory.kubeadm import Registration
from capelin.cloud.inmemory.nodes import Host, node, silent_conditions
from tests.fakes import NOW

HOST = Host("uid", "in-memory://a", "v1.34.0")


def test_an_address_belongs_to_a_machine_for_ever() -> None:
    addresses = {Host(f"uid-{number}", "", "").address for number in range(500)}

    assert HOST.address == Host("uid", "other", "v1.35.0").address
    assert len(addresses) == 500
    assert all(address.startswith("10.") for address in addresses)


def test_taints_of_a_registration_replace_kubeadms_own() -> None:
    explicit = Registration("a", taints=({"key": "k", "effect": "NoExecute"},))

    got = [
        node(HOST, registration, is_control_plane=is_control_plane, now=NOW)["spec"].get("taints")
        for registration, is_control_plane in (
            (Registration("a"), True),
            (Registration("a"), False),
            (explicit, True),
            (Registration("a", taints=()), True),
        )
    ]

    assert got == [
        [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}],
        None,
        [{"key": "k", "effect": "NoExecute"}],
        None,
    ]


def test_a_silent_node_is_unknown_in_every_respect() -> None:
    healthy = node(HOST, Registration("a"), is_control_plane=False, now=NOW)["status"]["conditions"]

    got = silent_conditions(now=NOW)

    assert {c["type"] for c in got} == {c["type"] for c in healthy}
    assert {c["status"] for c in got} == {"Unknown"}
