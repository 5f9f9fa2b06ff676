"""Settings for kubeadm, as JSON: for each rule some that keep it and some that break it. Every kind that carries such settings is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from capelin.api.kubeadmconfigrules import (
    DISCOVERY_HAS_ONE_CREDENTIAL,
    FILE_HAS_ONE_CONTENT,
    FILE_PATHS_DIFFER,
    IGNITION_CAN_EXPRESS_IT,
    IGNITION_NEEDS_ITS_FORMAT,
    PARTITIONS_FIT_DISK,
    PASSWORD_HAS_ONE_SOURCE,
)
from capelin.api.refusals import Rule

_SOURCE: Final = {"secret": {"name": "secret", "key": "key"}}
_PROVIDER: Final = {"authProvider": {"name": "corp"}}
_PROGRAM: Final = {"exec": {"command": "login"}}
_STRICT: Final = {"containerLinuxConfig": {"strict": True}}


def _disk(*percentages: int) -> dict[str, Any]:
    layout = [{"percentage": percentage} for percentage in percentages]
    return {"diskSetup": {"partitions": [{"device": "/dev/sdb", "diskLayout": layout}]}}


def _discovery(user: dict[str, Any]) -> dict[str, Any]:
    file = {"kubeConfigPath": "/etc/discovery.conf", "kubeConfig": {"user": user}}
    return {"joinConfiguration": {"discovery": {"file": file}}}


@dataclass(frozen=True, slots=True)
class Example:
    """Settings that keep a rule, settings that break it, and the field that is refused then."""

    right: dict[str, Any]
    wrong: dict[str, Any]
    field: str


EXAMPLES: Final[dict[Rule, Example]] = {
    FILE_HAS_ONE_CONTENT: Example(
        {"files": [{"path": "/a", "content": "x"}, {"path": "/b", "contentFrom": _SOURCE}]},
        {"files": [{"path": "/a", "content": "x", "contentFrom": _SOURCE}]},
        "files[0]",
    ),
    FILE_PATHS_DIFFER: Example(
        {"files": [{"path": "/a"}, {"path": "/b"}]},
        {"files": [{"path": "/a"}, {"path": "/a"}]},
        "files[0].path",
    ),
    PASSWORD_HAS_ONE_SOURCE: Example(
        {"users": [{"name": "ops", "passwdFrom": _SOURCE}]},
        {"users": [{"name": "ops", "passwd": "x", "passwdFrom": _SOURCE}]},
        "users[0]",
    ),
    PARTITIONS_FIT_DISK: Example(_disk(60, 40), _disk(60, 41), "diskSetup.partitions[0].diskLayout"),
    DISCOVERY_HAS_ONE_CREDENTIAL: Example(
        _discovery(_PROGRAM), _discovery({**_PROGRAM, **_PROVIDER}), "joinConfiguration.discovery.file.kubeConfig.user"
    ),
    IGNITION_NEEDS_ITS_FORMAT: Example({"format": "ignition", "ignition": _STRICT}, {"ignition": _STRICT}, "format"),
    IGNITION_CAN_EXPRESS_IT: Example({"bootCommands": ["true"]}, {"format": "ignition", "bootCommands": ["true"]}, "bootCommands"),
}
