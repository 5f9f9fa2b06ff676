"""What init creates, as far as the server's acceptance of it does not tell (tests of the cloud do)."""

import json

from capelin.cloud.inmemory.manifests import init_objects, kubeadm_config


def made(configuration: dict[str, object]) -> dict[tuple[str, str], dict[str, object]]:
    found = init_objects(configuration, server="https://127.0.0.1:1", certificate_authority=b"CA", version="v1.34.0")
    return {(obj.resource.kind, obj.key.name): obj.document for obj in found}


def test_every_value_is_filled_in() -> None:
    text = json.dumps(list(made({}).values()))

    assert "$" not in text.replace("$(NODE_NAME)", "")


def test_images_and_addresses_follow_the_configuration() -> None:
    got = made(
        {
            "imageRepository": "mirror.example.com",
            "dns": {"imageTag": "v9"},
            "networking": {"serviceSubnet": "fd00::/108,10.0.0.0/16", "podSubnet": "10.2.0.0/16", "dnsDomain": "corp"},
        }
    )

    assert "mirror.example.com/kube-proxy:v1.34.0" in json.dumps(got["DaemonSet", "kube-proxy"])
    assert "mirror.example.com/coredns/coredns:v9" in json.dumps(got["Deployment", "coredns"])
    assert got["Service", "kubernetes"]["spec"]["clusterIP"] == "fd00::1"  # type: ignore[index]
    assert got["Service", "kube-dns"]["spec"]["clusterIP"] == "fd00::a"  # type: ignore[index]
    assert "clusterCIDR: 10.2.0.0/16" in json.dumps(got["ConfigMap", "kube-proxy"])
    assert "kubernetes corp in-addr.arpa" in json.dumps(got["ConfigMap", "coredns"])


def test_a_service_network_that_is_none_makes_headless_services() -> None:
    got = made({"networking": {"serviceSubnet": "everything"}})

    assert got["Service", "kubernetes"]["spec"]["clusterIP"] == "None"  # type: ignore[index]


def test_one_cluster_does_not_change_the_next() -> None:
    made({})["DaemonSet", "kube-proxy"]["metadata"]["labels"]["changed"] = "yes"  # type: ignore[index]

    assert "changed" not in json.dumps(made({})["DaemonSet", "kube-proxy"])


def test_the_configuration_is_kept_as_text() -> None:
    assert kubeadm_config("kind: ClusterConfiguration\n").document["data"] == {"ClusterConfiguration": "kind: ClusterConfiguration\n"}
