"""A KubeadmConfig that contradicts itself is refused, field by field."""

from __future__ import annotations

from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.kubeadmconfigrules import kubeadmconfig_refusals
from tests import build


def test_a_configuration_that_is_fine_is_not_refused() -> None:
    assert kubeadmconfig_refusals(build.kubeadmconfig()) == []
    assert kubeadmconfig_refusals(KubeadmConfig.parse({})) == []


def test_contradictions_in_a_kubeadmconfig_are_refused() -> None:
    source = {"secret": {"name": "secret", "key": "key"}}
    spec = {
        "files": [{"path": "/a", "content": "x"}, {"path": "/a", "content": "x", "contentFrom": source}],
        "users": [{"name": "ops", "passwd": "x", "passwdFrom": source}],
        "diskSetup": {"partitions": [{"device": "/dev/sdb", "diskLayout": [{"percentage": 60}, {"percentage": 41}]}]},
    }

    refusals = kubeadmconfig_refusals(KubeadmConfig.parse({"spec": spec}))

    assert [refusal.field for refusal in refusals] == [
        "spec.files[0].path",
        "spec.files[1]",
        "spec.files[1].path",
        "spec.users[0]",
        "spec.diskSetup.partitions[0].diskLayout",
    ]
