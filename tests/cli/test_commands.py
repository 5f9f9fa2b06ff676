"""The commands as a shell sees them: what they print, where, and their exit codes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from capelin import __version__
from capelin.api.cluster import Cluster
from capelin.api.crds import all_crds
from capelin.api.machine import Machine
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.store import MemoryStore
from capelin.cli.main import main
from capelin.runtime.client import ApiClient, Client
from capelin.runtime.inprocess import InProcess
from capelin.runtime.seams import SystemClock, SystemRandom
from capelin.runtime.transport import Credentials, ServingIdentity, User
from tests import build
from tests.integration.authority import Authority
from tests.integration.realserver import free_ports, kubeconfig


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_version_names_the_api_it_speaks() -> None:
    assert run("version").output == f"capelin {__version__} (cluster.x-k8s.io/v1beta2)\n"
    assert json.loads(run("version", "-o", "json").output) == {"version": __version__, "contract": "cluster.x-k8s.io/v1beta2"}


@pytest.mark.slow
@pytest.mark.gate
def test_the_printed_crds_are_the_generated_ones() -> None:
    assert list(yaml.safe_load_all(run("crds").output)) == list(all_crds())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_every_shell(shell: str) -> None:
    assert "_CAPELIN_COMPLETE" in run("completion", shell).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["fly"], "No such command 'fly'", id="no such command"),
        pytest.param(["describe", "cluster"], "Missing argument 'NAME'", id="no name"),
        pytest.param(["describe", "cluster", "x", "-o", "xml"], "'xml' is not one of", id="no such format"),
        pytest.param(["manager", "--controllers", "machine,moon"], "found moon; allowed are cluster, machine,", id="no such controller"),
        pytest.param(["manager", "--health-address", "here"], "allowed is host:port", id="no address"),
        pytest.param(["up", "--port", "65536"], "65536 is not in the range", id="no such port"),
        pytest.param(["get", "kubeconfig", "x", "--kubeconfig", "/nowhere"], "'/nowhere' does not exist", id="no such file"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str], said: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.slow
@pytest.mark.gate
def test_a_server_that_is_away_is_one_line_on_standard_error(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig(Credentials(f"https://127.0.0.1:{free_ports(1)[0]}", authority.certificate, *authority.client("ada"))))

    result = run("get", "kubeconfig", "demo", "--kubeconfig", str(file))

    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: https://127.0.0.1:")


# -- against a server ------------------------------------------------------------------------------------------------------------------


@dataclass
class Served:
    """An embedded API server that a program can reach, and a client of it."""

    kubeconfig: Path
    client: Client

    async def run(self, *arguments: str, code: int = 0) -> str:
        """Run the command to its end and return what it printed: on standard output when it succeeds, else on standard error."""
        command = [sys.executable, "-m", "capelin.cli", *arguments, "--kubeconfig", str(self.kubeconfig)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        printed, said = await process.communicate()
        assert process.returncode == code, said.decode()
        return (said if code else printed).decode()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    authority, endpoints, (port,) = Authority.create(tmp_path), HttpEndpoints(), free_ports(1)
    server = ApiServer(MemoryStore(), clock=SystemClock(), random=SystemRandom())
    await server.start()
    await endpoints.open("127.0.0.1", port, server, ServingIdentity(*authority.server(), authority.certificate))
    file = tmp_path / "kubeconfig"
    pair = authority.client("ada", ("system:masters",))
    file.write_text(kubeconfig(Credentials(f"https://127.0.0.1:{port}", authority.certificate, *pair)))
    yield Served(file, ApiClient(InProcess(server, User("test", ("system:masters",)))))
    await endpoints.close_all()
    await server.stop()


async def with_a_cluster(served: Served) -> None:
    assert "customresourcedefinition machines.cluster.x-k8s.io applied\n" in await served.run("crds", "--install")
    await served.client.create(build.cluster("demo"))
    await served.client.create(build.machine("one"))
    available = {"status": {"conditions": [build.condition("Available").wire()]}}
    await served.client.patch(Cluster, build.cluster("demo").key, available, subresource="status")
    unready = {"status": {"conditions": [build.condition("Ready", "False", "NotReady", message="its Node is away").wire()]}}
    await served.client.patch(Machine, build.machine("one").key, unready, subresource="status")


@pytest.mark.slow
@pytest.mark.gate
async def test_a_cluster_is_described_for_people_and_for_programs(served: Served) -> None:
    await with_a_cluster(served)

    describe = ("describe", "cluster", "demo")
    table, as_json, as_yaml = (
        await served.run(*describe),
        await served.run(*describe, "-o", "json"),
        await served.run(*describe, "-o", "yaml"),
    )

    assert "its Node is away" in table
    assert "\x1b" not in table  # nobody's terminal
    assert json.loads(as_json) == yaml.safe_load(as_yaml)
    assert json.loads(as_json)["name"] == "Cluster/demo"


@pytest.mark.slow
@pytest.mark.gate
async def test_a_kubeconfig_is_printed_as_it_is_and_its_absence_explained(served: Served) -> None:
    absent = await served.run("get", "kubeconfig", "demo", code=1)
    await served.client.create(build.secret("demo-kubeconfig", {"value": b"kind: Config\n"}))

    assert absent.startswith("Error: Secret default/demo-kubeconfig: not found")
    assert await served.run("get", "kubeconfig", "demo") == "kind: Config\n"
