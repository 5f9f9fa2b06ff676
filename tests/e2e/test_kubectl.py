"""What users do with kubectl. Each scenario's transcript is a golden file, the same for our server and the real one."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.e2e import golden
from tests.e2e.kubectl import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OBJECTS = (Path(__file__).parent / "objects.yaml").read_text()


async def settled(kubectl: Kubectl) -> None:
    """Create the objects of objects.yaml without a note."""
    code, _, complaints = await kubectl.quietly("create -f -", stdin=OBJECTS)
    assert code == 0, complaints


async def test_apply(kubectl: Kubectl) -> None:
    await kubectl("apply -f -", stdin=OBJECTS)
    await kubectl("apply -f -", stdin=OBJECTS)
    changed = OBJECTS.replace("replicas: 3", "replicas: 5").replace("level: info", "level: debug")
    await kubectl("diff -f -", stdin=changed)
    await kubectl("apply --dry-run=server -f -", stdin=changed)
    await kubectl("apply -f -", stdin=changed)
    await kubectl("get machinedeployment workers -o jsonpath={.spec.replicas}")
    await kubectl("diff -f -", stdin=changed)
    golden.check(kubectl)


async def test_server_side_apply(kubectl: Kubectl) -> None:
    await kubectl("apply --server-side -f -", stdin=OBJECTS)
    await kubectl("apply --server-side -f -", stdin=OBJECTS)
    await kubectl("apply --server-side --field-manager=scaler -f -", stdin=OBJECTS.replace("replicas: 3", "replicas: 7"))
    await kubectl("apply --server-side --field-manager=scaler --force-conflicts -f -", stdin=OBJECTS.replace("replicas: 3", "replicas: 7"))
    await kubectl("get machinedeployment workers -o yaml --show-managed-fields")
    await kubectl("apply --server-side -f -", stdin=OBJECTS)
    golden.check(kubectl)


async def test_apply_moves_from_client_to_server(kubectl: Kubectl) -> None:
    await kubectl("apply -f -", stdin=OBJECTS)
    await kubectl("apply --server-side -f -", stdin=OBJECTS)
    await kubectl("get configmap settings -o yaml --show-managed-fields")
    golden.check(kubectl)


async def test_get(kubectl: Kubectl) -> None:
    await settled(kubectl)
    await kubectl("get clusters,machinedeployments,configmaps --field-selector=metadata.name!=kube-root-ca.crt")
    await kubectl("get cluster-api -o wide")
    await kubectl("get md workers -o yaml")
    await kubectl("get cl,md -o name")
    await kubectl("get md -o custom-columns=NAME:.metadata.name,WANTED:.spec.replicas,NOTHING:.spec.nothing")
    await kubectl("get md -l cluster.x-k8s.io/cluster-name=green --show-labels")
    await kubectl("get md -l cluster.x-k8s.io/cluster-name!=green")
    await kubectl("get configmap settings -o jsonpath={.data}")
    await kubectl("get md -A --field-selector metadata.namespace=nowhere")
    await kubectl("get md workers nobody")
    await kubectl("get wombats")
    await kubectl("get md --sort-by=.spec.replicas --no-headers")
    await kubectl("get md --chunk-size=1")
    golden.check(kubectl)


async def test_describe(kubectl: Kubectl) -> None:
    await settled(kubectl)
    await kubectl("describe cluster green")
    await kubectl("describe md workers")
    await kubectl("describe configmap settings")
    golden.check(kubectl)


async def test_change(kubectl: Kubectl) -> None:
    await settled(kubectl)
    await kubectl("scale md workers --replicas=4")
    await kubectl("scale md workers --replicas=9 --current-replicas=1")
    await kubectl("label md workers stage=two")
    await kubectl("label md workers stage=three")
    await kubectl("label md workers stage-")
    await kubectl("annotate md workers note='two words'")
    await kubectl("""patch md workers --type=merge -p '{"spec":{"replicas":5}}'""")
    await kubectl("""patch md workers --type=json -p '[{"op":"replace","path":"/spec/replicas","value":6}]'""")
    await kubectl("""patch md workers -p '{"spec":{"replicas":5}}'""")
    await kubectl("""patch configmap settings -p '{"data":{"level":null,"depth":"3"}}'""")
    await kubectl("""patch md workers --subresource=status --type=merge -p '{"status":{"replicas":2}}'""")
    await kubectl("get md workers -o jsonpath={.spec.replicas}/{.status.replicas}/{.metadata.generation}")
    await kubectl("get configmap settings -o jsonpath={.data}")
    golden.check(kubectl)


async def test_edit(kubectl: Kubectl) -> None:
    await settled(kubectl)
    editor = {"KUBE_EDITOR": "sed -i 's/replicas: 3/replicas: 8/'"}
    await kubectl("edit md workers", environment=editor)
    await kubectl("edit md workers", environment={"KUBE_EDITOR": "true"})
    await kubectl("edit md workers", environment={"KUBE_EDITOR": "sed -i 's/replicas: 8/replica: 9/'"})
    await kubectl("get md workers -o jsonpath={.spec.replicas}")
    golden.check(kubectl)


async def test_delete(kubectl: Kubectl) -> None:
    for cascade in ("background", "foreground", "orphan"):
        await kubectl(f"create configmap owner-{cascade}")
        uid = await kubectl.quietly(f"get configmap owner-{cascade} -o jsonpath={{.metadata.uid}}")
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": f"owner-{cascade}", "uid": uid[1], "blockOwnerDeletion": True}
        manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: owned-{cascade}, ownerReferences: [{owner}]}}\n".replace(
            "True", "true"
        )
        await kubectl("create -f -", stdin=manifest)
        await kubectl(f"delete configmap owner-{cascade} --cascade={cascade}")
    await kubectl("wait --for=delete configmap/owned-background configmap/owned-foreground --timeout=40s")
    await kubectl("get configmaps -o name --field-selector=metadata.name!=kube-root-ca.crt")
    await kubectl("get configmap owned-orphan -o jsonpath={.metadata.ownerReferences}")
    await kubectl("delete configmap owned-orphan nobody")
    await kubectl("delete configmap nobody --ignore-not-found")
    await settled(kubectl)
    await kubectl("""patch md workers --type=merge -p '{"metadata":{"finalizers":["example.com/hold"]}}'""")
    await kubectl("delete md workers --wait=false")
    await kubectl("get md workers -o jsonpath={.metadata.finalizers}")
    await kubectl("""patch md workers --type=merge -p '{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}'""")
    await kubectl("""patch md workers --type=merge -p '{"metadata":{"finalizers":null}}'""")
    await kubectl("get md")
    await kubectl("delete clusters --all")
    await kubectl("delete configmaps -l nobody=has-it")
    golden.check(kubectl)


async def test_wait(kubectl: Kubectl) -> None:
    await settled(kubectl)
    condition = '{"type":"Available","status":"True","reason":"Fine","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}'
    await kubectl("wait md workers --for=condition=Available --timeout=1s")
    await kubectl(f"""patch md workers --subresource=status --type=merge -p '{{"status":{{"conditions":[{condition}]}}}}'""")
    await kubectl("wait md workers --for=condition=Available --timeout=20s")
    await kubectl("wait md workers --for=condition=Available=False --timeout=1s")
    await kubectl("wait md workers --for=jsonpath={.spec.replicas}=3 --timeout=20s")
    await kubectl("wait md nobody --for=delete --timeout=20s")
    await kubectl("get md")
    golden.check(kubectl)


async def test_refusals(kubectl: Kubectl) -> None:
    await settled(kubectl)
    typo = OBJECTS.replace("replicas: 3", "replica: 3").replace("name: workers\n", "name: second\n").split("---")[1]
    await kubectl("create -f -", stdin=typo)
    await kubectl("create --validate=warn -f -", stdin=typo)
    await kubectl("create --validate=ignore --dry-run=server -f -", stdin=typo.replace("second", "third"))
    await kubectl("create -f -", stdin=OBJECTS.split("---")[2].replace("\ndata:", "\ndota:").replace("settings", "wrong"))
    await kubectl("create -f -", stdin=OBJECTS.split("---")[2])
    await kubectl("create -f -", stdin=OBJECTS.split("---")[0].replace("name: green\n", "name: Green!\n"))
    await kubectl(
        "create -f -", stdin=OBJECTS.split("---")[1].replace("name: workers\n", "name: wrong\n").replace("version: v1.36.0", "version: 7")
    )
    await kubectl(
        "create -f -",
        stdin=OBJECTS.split("---")[1].replace("name: workers\n", "name: wrong\n").replace("clusterName: green", "clusterName: ''"),
    )
    await kubectl(
        "create -f -", stdin=OBJECTS.split("---")[0].replace("port: 6443", "port: 70000").replace("name: green\n", "name: wrong\n")
    )
    await kubectl("replace -f -", stdin=OBJECTS.split("---")[2].replace("name: settings", "name: settings\n  resourceVersion: '1'"))
    await kubectl("label md workers 'wrong key=1'")
    await kubectl("label md workers stage='not a value'")
    await kubectl("create -f - --namespace=nowhere", stdin=OBJECTS.split("---")[2])
    await kubectl("apply --server-side -f -", stdin=typo)
    await kubectl("apply -f -", stdin="apiVersion: example.com/v1\nkind: Wombat\nmetadata: {name: w}\n")
    golden.check(kubectl)


async def test_typed_commands(kubectl: Kubectl) -> None:
    await kubectl("create configmap plain --from-literal=a=1")
    await kubectl("create secret generic hidden --from-literal=password=swordfish")
    await kubectl("get secret hidden -o jsonpath={.data.password}")
    await kubectl("create serviceaccount robot")
    await kubectl("create token robot --duration=1h")
    await kubectl("create token nobody")
    await kubectl("create role reader --verb=get,list --resource=pods,machinedeployments.cluster.x-k8s.io")
    await kubectl("create rolebinding readers --role=reader --serviceaccount=default:robot --user=ann --group=team")
    await kubectl("get roles,rolebindings -o wide")
    await kubectl("create deployment web --image=app:1 --replicas=2")
    await kubectl("set image deployment/web app=app:2")
    await kubectl("set env deployment/web LEVEL=debug")
    await kubectl("scale deployment web --replicas=3")
    await kubectl("rollout pause deployment web")
    await kubectl("rollout restart deployment web")
    await kubectl("rollout resume deployment web")
    await kubectl("get deployment web -o wide")
    await kubectl("get deployment web -o jsonpath={.spec.template.spec.containers}")
    await kubectl("create poddisruptionbudget half --selector=app=web --min-available=50%")
    await kubectl("get pdb")
    await kubectl("run once --image=app:1 --restart=Never --env=A=1 --labels=app=once")
    await kubectl("get pod once -o wide")
    await kubectl("label pod once extra=yes")
    await kubectl("delete pod once --now")
    await kubectl("create quota nothing --dry-run=client -o name")
    golden.check(kubectl)


@pytest.mark.parametrize("kubeconfig", ["embedded"], indirect=True)
async def test_own_words(kubectl: Kubectl) -> None:
    """What our server words in its own way: more helpful than the real one, or about itself."""
    await settled(kubectl)
    await kubectl("""patch md workers --type=json -p '[{"op":"test","path":"/spec/replicas","value":4}]'""")
    await kubectl("""patch md workers --type=json -p '[{"op":"remove","path":"/spec/nothing"}]'""")
    await kubectl("create -f -", stdin=OBJECTS.split("---")[2].replace("level: info", "level: {a: 1}").replace("settings", "wrong"))
    await kubectl("api-resources --api-group=apps -o wide")
    await kubectl("api-resources --api-group=authentication.k8s.io")
    await kubectl("explain machinedeployments.spec.rollout.strategy")
    await kubectl("explain machinedeployments.spec.rollout --recursive")
    await kubectl("explain machinedeployments.spec.nothing")
    await kubectl("explain pods.spec.containers.ports")
    await kubectl("explain leases --recursive")
    await kubectl("describe namespace " + kubectl.namespace)
    await kubectl("auth whoami")
    golden.check(kubectl)


async def test_namespace_deletion(kubectl: Kubectl) -> None:
    await settled(kubectl)
    await kubectl("delete namespace NAMESPACE --timeout=50s".replace("NAMESPACE", kubectl.namespace))
    await kubectl("get md")
    await kubectl(f"get namespace {kubectl.namespace}")
    await kubectl("create configmap late")
    golden.check(kubectl)


async def test_watch(kubectl: Kubectl) -> None:
    await settled(kubectl)
    async with kubectl.following("get md -w --output-watch-events", lines=5):
        await kubectl("scale md workers --replicas=1")
        await kubectl("delete md workers")
        await kubectl("create -f -", stdin=OBJECTS.split("---")[1])
    golden.check(kubectl)


async def test_nodes(kubectl: Kubectl) -> None:
    node = kubectl.namespace
    await kubectl(
        "create -f -", stdin=f"apiVersion: v1\nkind: Node\nmetadata: {{name: {node}, labels: {{node-role.kubernetes.io/worker: ''}}}}"
    )
    ready = '{"type":"Ready","status":"True","reason":"KubeletReady"}'
    await kubectl(
        f"""patch node {node} --subresource=status -p '{{"status":{{"conditions":[{ready}],"nodeInfo":{{"kubeletVersion":"v1.36.0"}}}}}}'"""
    )
    pressure = '{"type":"MemoryPressure","status":"False"}'
    await kubectl(f"""patch node {node} --subresource=status -p '{{"status":{{"conditions":[{pressure}]}}}}'""")
    await kubectl(f"get node {node} -o jsonpath={{.status.conditions[*].type}}")
    await kubectl(f"taint node {node} dedicated=test:NoSchedule")
    await kubectl(f"taint node {node} dedicated=test:NoSchedule")
    await kubectl(f"""get node {node} -o jsonpath='{{.spec.taints[?(@.key=="dedicated")].effect}}'""")
    await kubectl(f"taint node {node} dedicated-")
    await kubectl(f"cordon {node}")
    await kubectl(f"get node {node} --no-headers -o custom-columns=CORDONED:.spec.unschedulable")
    pod = {"apiVersion": "v1", "spec": {"nodeName": node, "containers": [{"name": "app", "image": "app:1"}]}}
    await kubectl("run guest --image=app:1 --overrides=" + shlex.quote(json.dumps(pod)))
    await kubectl(f"drain {node} --timeout=20s")
    await kubectl(f"drain {node} --force --grace-period=0 --timeout=20s")
    await kubectl("get pods")
    await kubectl(f"uncordon {node}")
    await kubectl(f"delete node {node}")
    golden.check(kubectl)


async def test_auth(kubectl: Kubectl) -> None:
    await kubectl("auth whoami -o jsonpath='{.status.userInfo.username} {.status.userInfo.groups}'")
    await kubectl("auth can-i delete machines.cluster.x-k8s.io")
    await kubectl("auth can-i '*' '*' --all-namespaces")
    golden.check(kubectl)
