"""What is read and written again is the same JSON: nothing known is lost, nothing unknown either."""

from __future__ import annotations

import binascii
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.core import Event, Lease, Node, Secret
from capelin.api.crds import KINDS
from capelin.api.devcluster import DevCluster
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.machine import Machine
from capelin.api.machineset import MachineSet
from capelin.api.meta import LabelSelector, Object, selector_matches, selector_string, set_condition, wire_name
from capelin.api.structural import schema
from capelin.api.topology import Topology
from tests import build, buildclasses

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

BUILT_CLASSES: list[Object] = [
    buildclasses.clusterclass(
        pools=[buildclasses.machinepool_class()], variables=[buildclasses.class_variable()], patches=[buildclasses.class_patch()]
    ),
    buildclasses.machinepool(),
    buildclasses.machinehealthcheck(),
    buildclasses.machinedrainrule(),
    buildclasses.clusterresourceset(),
    buildclasses.clusterresourcesetbinding(),
    buildclasses.ipaddressclaim(),
    buildclasses.ipaddress(),
    buildclasses.extensionconfig(),
]

REFERENCE = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachine", "name": "worker"}


def machine_document(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Machine",
        "metadata": {"name": "worker", "namespace": "default"},
        "spec": {"clusterName": "demo", "bootstrap": {}, "infrastructureRef": REFERENCE} | spec,
    }


@given(unknown=JSON)
def test_unknown_fields_survive_wherever_they_stand(unknown: Any) -> None:
    document = machine_document(future=unknown, taints=[{"key": "a", "effect": "NoSchedule", "propagation": "Always", "future": unknown}])
    document["metadata"]["future"] = unknown
    document["future"] = unknown
    document["spec"]["infrastructureRef"] = REFERENCE | {"future": unknown}

    assert Machine.parse(document).wire() == document
    assert Machine.parse(json.dumps(document)).wire() == document


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="absent"),
        pytest.param({"minReadySeconds": 0}, id="zero"),
        pytest.param({"bootstrap": {"dataSecretName": ""}}, id="empty string"),
        pytest.param({"taints": []}, id="empty list"),
        pytest.param({"deletion": {}}, id="empty object"),
        pytest.param({"future": None}, id="null in an unknown field"),
    ],
)
def test_absent_empty_and_zero_stay_what_they_are(spec: dict[str, Any]) -> None:
    document = machine_document(**spec)

    assert Machine.parse(document).wire() == document


def test_false_is_not_absent() -> None:
    assert build.cluster(paused=False).wire()["spec"]["paused"] is False
    assert "paused" not in build.cluster(paused=None).wire()["spec"]


def test_an_empty_list_of_taints_differs_from_none_for_kubeadm() -> None:
    document: dict[str, Any] = {"spec": {"joinConfiguration": {"nodeRegistration": {"taints": []}}}}

    assert KubeadmConfig.parse(document).wire()["spec"] == document["spec"]


def test_a_field_in_snake_case_is_an_unknown_field_and_no_other_spelling_of_a_known_one() -> None:
    machine = Machine.parse(machine_document(provider_id="stray"))

    assert machine.spec.provider_id is None
    assert machine.wire() == machine_document(provider_id="stray")


def test_a_null_in_a_known_field_is_read_as_absent() -> None:
    assert Machine.parse(machine_document(version=None)).wire() == machine_document()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.kind)
def test_every_kind_reads_an_object_with_nothing_but_its_required_fields(kind: type[Object]) -> None:
    control_plane = KubeadmControlPlane.parse(
        {"metadata": {"name": "a"}, "spec": {"version": "v1.34.0", "machineTemplate": {"spec": {"infrastructureRef": REFERENCE}}}}
    )
    built: list[Object] = [build.cluster(), build.machine(), build.machineset(), build.machinedeployment(), control_plane, *BUILT_CLASSES]
    bare = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, "metadata": {"name": "a"}}
    document = {type(found): found.wire() for found in built}.get(kind, bare)

    assert kind.parse(json.dumps(document)).wire() == document


@pytest.mark.parametrize(
    "built",
    [
        build.kubeadmconfig(init=True),
        build.kubeadmconfigtemplate(),
        build.devcluster(endpoint=("127.0.0.1", 6443)),
        build.devmachine(provider_id="dev:////worker"),
        build.devmachinetemplate(),
        build.secret(values={"key": b"value"}),
        build.configmap(data={"key": "value"}),
        build.namespace(),
        build.node(provider_id="dev:////worker"),
        build.pod(),
        *BUILT_CLASSES,
        buildclasses.provider(),
        buildclasses.release_metadata(),
    ],
    ids=lambda built: str(built.resource.kind),
)
def test_built_objects_read_back_as_themselves(built: Object) -> None:
    assert type(built).parse(json.dumps(built.wire())).wire() == built.wire()


@pytest.mark.parametrize("built", BUILT_CLASSES, ids=lambda built: str(built.resource.kind))
def test_built_objects_fit_the_schema_of_their_kind(built: Object) -> None:
    validator = jsonschema_rs.Draft4Validator(schema(type(built)))

    assert [error.message for error in validator.iter_errors(built.wire())] == []


@pytest.mark.parametrize(
    ("attribute", "want"),
    [
        ("provider_id", "providerID"),
        ("boot_id", "bootID"),
        ("system_uuid", "systemUUID"),
        ("cert_sans", "certSANs"),
        ("local_api_endpoint", "localAPIEndpoint"),
        ("api_server_port", "apiServerPort"),
        ("etcd_api_call_seconds", "etcdAPICallSeconds"),
        ("replace_fs", "replaceFS"),
        ("insecure_skip_tls_verify", "insecureSkipTLSVerify"),
        ("pod_ips", "podIPs"),
        ("v1beta1", "v1beta1"),
        ("uid", "uid"),
    ],
)
def test_attributes_have_the_names_of_the_wire(attribute: str, want: str) -> None:
    assert wire_name(attribute) == want


def test_fields_whose_names_follow_no_rule_are_spelled_as_on_the_wire() -> None:
    topology = {"classRef": {"name": "class"}, "version": "v1.34.0", "workers": {"machineDeployments": [{"class": "large", "name": "md"}]}}
    backend = {"docker": {"loadBalancer": {"customHAProxyConfigTemplateRef": {"name": "template"}}}}

    assert Topology.model_validate(topology).wire() == topology
    assert DevCluster.parse({"spec": {"backend": backend}}).wire()["spec"] == {"backend": backend}


def test_times_are_written_to_the_second_and_leases_to_the_microsecond() -> None:
    machine = Machine.parse(machine_document() | {"status": {"lastUpdated": "2026-01-01T01:02:03.999+01:00"}})
    lease = Lease.parse({"metadata": {"name": "a"}, "spec": {"renewTime": "2026-01-01T01:02:03.5Z"}})

    assert machine.wire()["status"]["lastUpdated"] == "2026-01-01T00:02:03Z"
    assert lease.wire()["spec"]["renewTime"] == "2026-01-01T01:02:03.500000Z"


def test_a_secret_gives_its_values_decoded_and_refuses_what_is_not_base64() -> None:
    secret = build.secret(values={"key": b"\x00value"})

    assert secret.value("key") == b"\x00value"
    assert secret.value("other") is None
    with pytest.raises(binascii.Error):
        Secret.parse({"data": {"key": "?"}}).value("key")


def test_an_event_refers_to_its_object() -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "a"},
        "involvedObject": {"kind": "Machine", "name": "worker", "uid": "1"},
    }

    assert Event.parse(document).wire() == document


def test_a_nodes_report_is_kept_whole() -> None:
    document = build.node().wire()
    document["status"]["images"] = [{"names": ["a"], "sizeBytes": 1}]

    assert Node.parse(document).wire() == document


def test_an_empty_selector_selects_nothing() -> None:
    assert not selector_matches(LabelSelector(), {"a": "b"})
    assert not selector_matches(LabelSelector(match_labels={}), {})


@pytest.mark.parametrize(
    ("operator", "values", "labels", "want"),
    [
        ("In", ["a", "b"], {"role": "b"}, True),
        ("In", ["a"], {}, False),
        ("NotIn", ["a"], {}, True),
        ("NotIn", ["a"], {"role": "a"}, False),
        ("Exists", None, {"role": ""}, True),
        ("Exists", None, {}, False),
        ("DoesNotExist", None, {"role": ""}, False),
        ("DoesNotExist", None, {}, True),
    ],
)
def test_the_rules_of_a_selector(operator: str, values: list[str] | None, labels: dict[str, str], want: bool) -> None:
    selector = LabelSelector.model_validate({"matchExpressions": [{"key": "role", "operator": operator, "values": values}]})

    assert selector_matches(selector, labels) is want


def test_a_selector_is_spelled_as_the_api_spells_it() -> None:
    document = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["y", "x"]},
            {"key": "d", "operator": "NotIn", "values": ["z"]},
            {"key": "e", "operator": "Exists"},
            {"key": "f", "operator": "DoesNotExist"},
        ],
    }

    assert selector_string(LabelSelector.model_validate(document)) == "a=1,b=2,c in (x,y),d notin (z),e,!f"


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    old = build.condition("Ready", "True", at=build.NOW)
    later = build.NOW.replace(hour=13)

    (same,) = set_condition([old], build.condition("Ready", "True", "StillReady", at=later))
    (changed,) = set_condition([old], build.condition("Ready", "False", at=later))

    assert (same.reason, same.last_transition_time) == ("StillReady", build.NOW)
    assert changed.last_transition_time == later


def test_a_condition_takes_its_own_place_and_leaves_the_others_alone() -> None:
    first, second = build.condition("A"), build.condition("B")

    got = set_condition([first, second], build.condition("A", "False"))

    assert [(found.type, found.status) for found in got] == [("A", "False"), ("B", "True")]
    assert MachineSet.parse(build.machineset().wire()).status is None
