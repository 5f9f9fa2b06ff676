"""A management cluster with all controllers, as a user runs it: `capelin up`, or a real kube-apiserver with `capelin manager` beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from capelin.cli.directory import DataDirectory
from tests.integration.realserver import CONTROLLERS, free_ports, running

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "config/samples/quickstart.yaml"
OURS = "clusters,machinedeployments,machinesets,machines,kubeadmconfigs,kubeadmconfigtemplates,devclusters,devmachines,devmachinetemplates"


def capelin(*arguments: str, data: Path | None = None, timeout: int = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command and return what it printed; `check` off lets it fail."""
    environment = {**os.environ, **({"CAPELIN_DATA": str(data)} if data else {})}
    environment.pop("KUBECONFIG", None)
    command = [sys.executable, "-m", "capelin.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    assert not check or done.returncode == 0, f"capelin {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done


@dataclass
class Management:
    """A running management cluster, and kubectl against it."""

    kubeconfig: Path
    log: Path
    kill: Callable[[], None]
    start: Callable[[], None]
    program: Path = field(default=Path("kubectl"))
    audit: Path | None = None

    def kubectl(self, line: str, *, timeout: int = 60, check: bool = True, stdin: str = "") -> str:
        """Run kubectl with the words of `line` and return what it printed."""
        environment: Mapping[str, str] = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(
            [str(self.program), *line.split()], env=environment, capture_output=True, text=True, timeout=timeout, input=stdin or None
        )
        assert not check or done.returncode == 0, f"kubectl {line}: {done.stdout}{done.stderr}"
        return done.stdout

    def items(self, what: str, *, namespace: str = "default") -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        found: list[dict[str, Any]] = json.loads(self.kubectl(f"get {what} -n {namespace} -o json"))["items"]
        return found

    def wait_until_ready(self, *, workers: int, namespace: str = "default", timeout: int = 90) -> None:
        """Return once the sample cluster is available and its machines are ready."""
        selector = f"-n {namespace} -l cluster.x-k8s.io/cluster-name=quickstart"
        path = "{.status.availableReplicas}"
        self.kubectl(
            f"wait md/quickstart-workers -n {namespace} --for=jsonpath={path}={workers} --timeout={timeout}s", timeout=timeout + 10
        )
        self.kubectl(f"wait cluster/quickstart -n {namespace} --for=condition=Available --timeout={timeout}s", timeout=timeout + 10)
        self.kubectl(f"wait machines {selector} --for=condition=Ready --timeout={timeout}s", timeout=timeout + 10)


@contextmanager
def embedded(folder: Path, port: int) -> Iterator[Management]:
    """Run `capelin up` on a data directory in `folder`."""
    data = folder / "data"

    def start() -> None:
        capelin("up", "--detach", "--port", str(port), data=data)

    def kill() -> None:
        directory = DataDirectory(data)
        process = directory.holder()
        assert process, "nothing runs that could be killed"
        os.kill(process, 9)
        while directory.holder() == process:  # the operating system lets go of the lock a moment later
            os.sched_yield()

    start()
    try:
        yield Management(data / "kubeconfig", data / "capelin.log", kill, start)
    finally:
        capelin("down", data=data)


MANAGER = "system:serviceaccount:capelin-system:capelin-manager"
AGGREGATION = "clusterrole-aggregation-controller"


@contextmanager
def real(folder: Path, programs: Path) -> Iterator[Management]:
    """Run a real kube-apiserver, installed as `config/` says, and `capelin manager` in the name of its service account."""
    with running(folder, programs, controllers=(*CONTROLLERS, AGGREGATION), audit=True) as server, ExitStack() as stack:
        admin = server.kubeconfig()
        log = folder / "manager.log"
        processes: list[subprocess.Popen[bytes]] = []
        port, webhook_port = free_ports(2)

        def start() -> None:
            options = ["--kubeconfig", str(server.kubeconfig(MANAGER)), "--health-address", f"127.0.0.1:{port}", "--metrics-address", ""]
            options += ["--webhook-address", f"127.0.0.1:{webhook_port}"]
            options += ["--leader-elect", "--leader-elect-namespace", "capelin-system", "--data", str(folder / "clusters")]
            with log.open("ab") as output:
                processes.append(subprocess.Popen([sys.executable, "-m", "capelin.cli", "manager", *options], stdout=output, stderr=output))

        def kill() -> None:
            processes[-1].kill()
            processes[-1].wait()

        management = Management(admin, log, kill, start, programs / "kubectl", folder / "audit.log")
        for path in ("default/namespace.yaml", "crd/bases", "rbac"):
            management.kubectl(f"apply {'-k' if path == 'rbac' else '-f'} {ROOT / 'config' / path}")
        management.kubectl("wait crd --all --for=condition=Established --timeout=30s")
        start()
        stack.callback(_end, processes)
        yield management


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
        process.wait(15)


Permission = tuple[str, str, str]
"""API group, resource with its subresource, verb."""


RARE: Mapping[Permission, str] = {
    ("", "secrets", "delete"): "a certificate of webhooks that is kept in a Secret of another type is replaced",
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "update"): "what others have put into a configuration is removed",
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "update"): "as above",
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create"): "authorized with the patch, which is what is recorded",
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "create"): "as above",
    ("controlplane.cluster.x-k8s.io", "kubeadmcontrolplanes", "get"): "read to judge a scaling of one, which the sample does not have",
    ("controlplane.cluster.x-k8s.io", "kubeadmcontrolplanes", "list"): "as above",
    ("ipam.cluster.x-k8s.io", "ipaddressclaims", "get"): "read to judge an address, which the sample does not have",
    ("ipam.cluster.x-k8s.io", "ipaddressclaims", "list"): "as above",
    ("cluster.x-k8s.io", "clusterclasses", "get"): "read to judge a topology, which the sample does not have",
    ("cluster.x-k8s.io", "clusterclasses", "list"): "as above",
    ("cluster.x-k8s.io", "machinepools", "get"): "as above, when its version changes",
    ("cluster.x-k8s.io", "machinepools", "list"): "as above, when its version changes",
    ("", "configmaps", "update"): "the init lock passes on when the machine that held it is gone",
    ("", "events", "patch"): "an event that happens again is counted instead of repeated",
    ("", "secrets", "patch"): "an administrator's kubeconfig is renewed at half its life",
    ("", "secrets", "update"): "bootstrap data that was never handed out is replaced",
    (
        "bootstrap.cluster.x-k8s.io",
        "kubeadmconfigtemplates",
        "get",
    ): "a template that the cache does not have is looked up before it is missed",
    ("infrastructure.cluster.x-k8s.io", "devmachinetemplates", "get"): "as above",
    ("cluster.x-k8s.io", "clusters", "get"): "that a Cluster is gone is believed only of the server",
    ("cluster.x-k8s.io", "machines", "get"): "that a Machine is gone is believed only of the server",
    ("cluster.x-k8s.io", "machinedeployments", "get"): "after a create without an answer the owner is read anew",
}
"""What an ordinary life of a cluster does not need: permission → the case that does."""


def granted() -> set[Permission]:
    """Return what config/rbac grants to the manager."""
    documents = [
        d
        for name in ("role.yaml", "leader_election.yaml", "webhook.yaml")
        for d in yaml.safe_load_all((ROOT / "config/rbac" / name).read_text())
    ]
    rules = [rule for document in documents for rule in document.get("rules") or ()]
    return {
        (group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }


def used(audit: Path) -> tuple[set[Permission], set[Permission]]:
    """Return what the manager did, and what it was denied, according to the API server's audit log."""
    allowed: set[Permission] = set()
    denied: set[Permission] = set()
    for line in audit.read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"] == MANAGER and "objectRef" in event:
            reference = event["objectRef"]
            resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
            decision = (event.get("annotations") or {}).get("authorization.k8s.io/decision")
            (denied if decision == "forbid" else allowed).add((reference.get("apiGroup", ""), resource, event["verb"]))
    return allowed, denied
