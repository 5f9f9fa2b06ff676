"""Bad input and bad surroundings of `capelin up`: told clearly, nothing changed, nothing lost."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.management import Management, capelin, embedded
from tests.integration.realserver import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.gate]


# -- the machine around it -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[[], ["--detach"]], ids=["in the foreground", "detached"])
def up(request: pytest.FixtureRequest) -> list[str]:
    """How `capelin up` is called; what it cannot do it says either way."""
    return ["up", *request.param]


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path, up: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = capelin(*up, "--port", str(port), data=tmp_path / "data", check=False)

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data/kubeconfig").exists()
    assert "Nothing is running" in capelin("down", data=tmp_path / "data").stdout


def test_a_second_run_on_the_same_data_is_refused_and_the_first_goes_on(tmp_path: Path, up: list[str]) -> None:
    (other,) = free_ports(1)
    with embedded(tmp_path, *free_ports(1)) as first:
        before = first.kubeconfig.read_bytes()
        done = capelin(*up, "--port", str(other), data=tmp_path / "data", check=False)

        assert done.returncode == 1
        process = json.loads((tmp_path / "data/running.json").read_text())["pid"]
        assert f"process {process} is running on it" in done.stderr
        assert "capelin down" in done.stderr
        assert first.kubeconfig.read_bytes() == before
        assert first.kubectl("get --raw /readyz") == "ok"


def test_data_that_others_may_read_is_refused(tmp_path: Path, up: list[str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o755)

    done = capelin(*up, data=tmp_path / "data", check=False)

    assert done.returncode == 1
    assert "mode is 0755" in done.stderr
    assert "allowed is 0700" in done.stderr
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_data_that_cannot_be_written_is_refused(tmp_path: Path, up: list[str]) -> None:
    (tmp_path / "data").mkdir(mode=0o500)

    done = capelin(*up, data=tmp_path / "data", check=False)

    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_file_in_the_place_of_the_data_is_refused_and_kept(tmp_path: Path, up: list[str]) -> None:
    (tmp_path / "data").write_text("mine")

    done = capelin(*up, data=tmp_path / "data", check=False)

    assert done.returncode == 1
    assert str(tmp_path / "data") in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "data").read_text() == "mine"


def test_data_of_a_newer_program_is_refused_and_kept(tmp_path: Path, up: list[str]) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    database = tmp_path / "data/capelin.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 1000")

    done = capelin(*up, "--port", str(free_ports(1)[0]), data=tmp_path / "data", check=False)

    assert done.returncode == 1
    assert "found schema 1000" in done.stderr
    assert "Traceback" not in done.stderr
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1000,)


def test_data_that_is_no_database_is_refused_and_kept(tmp_path: Path, up: list[str]) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data/capelin.db").write_text("mine" * 1000)

    done = capelin(*up, "--port", str(free_ports(1)[0]), data=tmp_path / "data", check=False)

    assert done.returncode == 1
    assert "not a database" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "data/capelin.db").read_text() == "mine" * 1000


def test_down_is_done_when_nothing_runs(tmp_path: Path) -> None:
    with embedded(tmp_path, *free_ports(1)):
        assert capelin("down", data=tmp_path / "data").stdout == "Stopped.\n"
        assert "Nothing is running" in capelin("down", data=tmp_path / "data").stdout
    assert "Nothing is running" in capelin("down", data=tmp_path / "nowhere").stdout


def test_down_returns_though_nobody_asks_for_the_process_that_has_ended(tmp_path: Path) -> None:
    data, (port,) = tmp_path / "data", free_ports(1)
    command = [sys.executable, "-m", "capelin.cli", "up", "--data", str(data), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "The management API is up.\n"

        assert capelin("down", "--purge", data=data, timeout=30).stdout == f"Stopped.\nDeleted {data}.\n"

    assert not data.exists()


def test_purge_deletes_no_directory_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir(mode=0o700)
    (tmp_path / "letters/to-ada").write_text("Dear Ada")

    done = capelin("down", "--purge", data=tmp_path / "letters", check=False)

    assert done.returncode == 1
    assert "is it the right one?" in done.stderr
    assert (tmp_path / "letters/to-ada").exists()


# -- what users send -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def management(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Management]:
    with embedded(tmp_path_factory.mktemp("faults"), *free_ports(1)) as running:
        yield running


def _refused(management: Management, line: str, document: str) -> str:
    """Run kubectl, which must fail, and return what it says."""
    with pytest.raises(AssertionError) as said:
        management.kubectl(line, stdin=document)
    return str(said.value)


VALID = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: workers, namespace: default}
spec:
  clusterName: nobody
  replicas: 3
  selector: {matchLabels: {pool: workers}}
  template:
    metadata: {labels: {pool: workers}}
    spec: {clusterName: nobody, bootstrap: {dataSecretName: x}, infrastructureRef: {apiGroup: example.org, kind: Ship, name: x}}
"""
TYPO = VALID.replace("replicas:", "replica:")


@pytest.mark.parametrize(
    ("document", "named"),
    [
        pytest.param("apiVersion: v1\nkind: ConfigMap\n  name: [", "error converting YAML to JSON", id="no YAML"),
        pytest.param('{"apiVersion": "v1", "kind": "ConfigMap", ', "error", id="no JSON"),
        pytest.param(TYPO, 'unknown field "spec.replica"', id="a field that does not exist"),
        pytest.param(VALID.replace("replicas: 3", "replicas: three"), "spec.replicas", id="a word for a number"),
        pytest.param(VALID.replace("Ship", "9-ship"), "infrastructureRef.kind", id="a kind that can be none"),
        pytest.param(VALID.replace("name: workers", f"name: {'x' * 254}"), "metadata.name", id="a name too long"),
        pytest.param(VALID.replace("name: workers", "name: Under_score"), "metadata.name", id="a name of wrong characters"),
        pytest.param(VALID.replace("clusterName: nobody", f"clusterName: {'x' * 64}"), "spec.clusterName", id="a reference too long"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(management: Management, document: str, named: str) -> None:
    said = _refused(management, "create --validate=strict -f -", document)

    assert named in said
    assert management.items("machinedeployments,configmaps") == []


def test_unknown_fields_are_warned_of_and_dropped_when_asked_to(management: Management) -> None:
    line = "create --validate=warn --dry-run=server -o json -f -"
    stored = json.loads(management.kubectl(line, stdin=TYPO))
    assert "replica" not in stored["spec"]

    said = _refused(management, "create --validate=warn --warnings-as-errors --dry-run=server -f -", TYPO)
    assert 'unknown field "spec.replica"' in said


def test_a_body_that_is_too_large_is_refused_with_its_limit(management: Management) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "huge"}, "data": {"x": "y" * 4_000_000}}

    said = _refused(management, "create -f -", json.dumps(document))

    assert "too large" in said
    assert management.items("configmaps") == []


def test_a_body_nested_without_end_is_refused_and_the_server_goes_on(management: Management) -> None:
    deep = '{"a":' * 20_000 + "1" + "}" * 20_000
    document = f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "deep"}}, "data": {deep}}}'

    _refused(management, "create --raw /api/v1/namespaces/default/configmaps -f -", document)

    assert management.items("configmaps") == []
    assert management.kubectl("get --raw /readyz") == "ok"
