"""What the chart makes fits Kubernetes, KubeRay and our own applications, whatever the values."""

from copy import deepcopy
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from kubernetes_validate import ValidationError, validate

from app.client.errors import CliError
from app.cluster.chart.manifests import check_embedded
from app.cluster.chart.render import render_chart
from app.cluster.environment import HAPROXY_SETTINGS, SERVE_SETTINGS
from app.cluster.nodes import needed
from app.settings.checks.grpc import SERVICERS
from tests.unit.deploy.charts import (
    CHART,
    NAMESPACE,
    RELEASE,
    VALUES,
    objects,
    only,
    ray_groups,
    run_helm,
)

KUBERNETES = "1.31"
OPERATORS = ("ray.io/", "monitoring.coreos.com/")
SECRETS = {
    *("RAGSERVE_DATABASE_URL", "RAGSERVE_LIMITS_URL", "RAGSERVE_KEY_PEPPER"),
    *("RAGSERVE_ADMIN_KEY", "RAGSERVE_CONTENT_SALT"),
}
each_set = pytest.mark.parametrize("name", VALUES)


@pytest.fixture(scope="module")
def made() -> dict[str, list[dict[str, Any]]]:
    return {name: objects(values) for name, values in VALUES.items()}


def serve_file(found: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(only("RayService", found)["spec"]["serveConfigV2"])
    return content


@each_set
def test_helm_makes_the_same(name: str, made: dict[str, Any], helm: str, tmp_path: Path) -> None:
    """Two ways, one source: who changes over finds nothing changed."""
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(VALUES[name]))
    lint = run_helm(helm, "lint", "--strict", str(CHART), values=values)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    done = run_helm(helm, "template", RELEASE, str(CHART), "-n", NAMESPACE, values=values)
    assert done.returncode == 0, done.stderr
    by_helm = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert {_key(one): _plain(one) for one in by_helm} == {
        _key(one): _plain(one) for one in made[name]
    }


def _key(one: dict[str, Any]) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    """Returns an object without who made it, and with the Serve file read."""
    text = yaml.safe_dump(one).replace("managed-by: Helm", "managed-by: ragserve")
    plain: dict[str, Any] = yaml.safe_load(text)
    plain["metadata"].pop("namespace", None)
    if "serveConfigV2" in plain.get("spec", {}):
        plain["spec"]["serveConfigV2"] = yaml.safe_load(plain["spec"]["serveConfigV2"])
    return plain


@each_set
def test_kubernetes_takes_what_is_its_own(name: str, made: dict[str, Any]) -> None:
    for one in made[name]:
        if not one["apiVersion"].startswith(OPERATORS):
            validate(one, KUBERNETES, strict=True)


@each_set
def test_kuberay_takes_the_rayservice(
    name: str, made: dict[str, Any], rayservice_schema: dict[str, Any]
) -> None:
    jsonschema.validate(only("RayService", made[name]), rayservice_schema)


def test_the_schemas_refuse_what_is_misspelt(
    made: dict[str, Any], rayservice_schema: dict[str, Any]
) -> None:
    """Else the two tests above would hold whatever the chart made."""
    service = deepcopy(only("RayService", made["gpu"]))
    service["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["container"] = []
    with pytest.raises(jsonschema.ValidationError, match="'container' was unexpected"):
        jsonschema.validate(service, rayservice_schema)
    policy = deepcopy(only("NetworkPolicy", made["gpu"], "-ray"))
    policy["spec"]["ingres"] = policy["spec"].pop("ingress")
    with pytest.raises(ValidationError, match="ingres"):
        validate(policy, KUBERNETES, strict=True)


@each_set
def test_the_serve_file_passes_the_check_of_a_deployment(name: str, made: dict[str, Any]) -> None:
    check_embedded(only("RayService", made[name])["spec"]["serveConfigV2"])


@each_set
def test_pods_run_as_nobody_and_write_nowhere_else(name: str, made: dict[str, Any]) -> None:
    for pod in _pods(made[name]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 1000
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/tmp", "/home/ragserve"} <= paths
        mounted = {mount["name"] for one in pod["containers"] for mount in one["volumeMounts"]}
        offered = {one["name"] for one in pod["volumes"]}
        assert mounted <= offered | {"data"}  # of Chroma's claim


def _pods(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    templates = list(ray_groups(found).values())
    templates += [
        one["spec"]["template"] for one in found if one["kind"] in ("StatefulSet", "Deployment")
    ]
    return [template["spec"] for template in templates]


@each_set
def test_nodes_have_the_environment_of_a_cluster(name: str, made: dict[str, Any]) -> None:
    """As `ragserve env` writes it; secrets by reference alone."""
    for template in ray_groups(made[name]).values():
        variables = template["spec"]["containers"][0]["env"]
        plain = {one["name"]: one["value"] for one in variables if "value" in one}
        assert plain.items() >= {**SERVE_SETTINGS, **HAPROXY_SETTINGS}.items()
        assert not SECRETS & set(plain)
        assert {one["name"] for one in variables if "valueFrom" in one} >= SECRETS


@each_set
def test_nothing_secret_can_be_in_the_serve_file(name: str, made: dict[str, Any]) -> None:
    """KubeRay shows it to whoever may read the object."""
    for application in serve_file(made[name])["applications"]:
        variables = application["runtime_env"]["env_vars"]
        assert set(variables) == {"RAGSERVE_VERSION"}


@each_set
def test_a_pod_is_killed_after_it_was_drained(name: str, made: dict[str, Any]) -> None:
    for template in ray_groups(made[name]).values():
        variables = {
            one["name"]: one.get("value") for one in template["spec"]["containers"][0]["env"]
        }
        drained_s = int(str(variables["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"]))
        assert template["spec"]["terminationGracePeriodSeconds"] >= drained_s + 30


@each_set
def test_an_old_cluster_outlives_the_longest_stream(name: str, made: dict[str, Any]) -> None:
    longest_s = max(
        deployment.get("graceful_shutdown_timeout_s", 0)
        for application in serve_file(made[name])["applications"]
        for deployment in application["deployments"]
    )
    assert only("RayService", made[name])["spec"]["rayClusterDeletionDelaySeconds"] > longest_s


@pytest.mark.parametrize("name", ["defaults", "gpu"])
def test_the_workers_have_room_for_the_preset(name: str, made: dict[str, Any]) -> None:
    room = {"CPU": 0.0, "GPU": 0.0}
    cluster = only("RayService", made[name])["spec"]["rayClusterConfig"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in cluster["workerGroupSpecs"]:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        room["CPU"] += group["minReplicas"] * float(limits["cpu"])
        room["GPU"] += group["minReplicas"] * float(limits.get("nvidia.com/gpu", 0))
    wanted = needed(serve_file(made[name]))
    assert wanted["CPU"] <= room["CPU"]
    assert wanted.get("GPU", 0) <= room["GPU"]


def test_traffic_comes_when_questions_can_be_answered(made: dict[str, Any]) -> None:
    for name, template in ray_groups(made["gpu"]).items():
        probe = template["spec"]["containers"][0].get("readinessProbe")
        expected = None if name == "head" else {"path": "/health/ready", "port": 8000}
        assert (probe and probe["httpGet"]) == expected


def test_selectors_find_the_pods_that_they_mean(made: dict[str, Any]) -> None:
    found = made["gpu"]
    labels = {name: template["metadata"]["labels"] for name, template in ray_groups(found).items()}
    for kind in ("StatefulSet", "Deployment"):
        template = only(kind, found)["spec"]["template"]
        labels[kind] = template["metadata"]["labels"]

    def chosen(selector: dict[str, str]) -> set[str]:
        return {name for name, has in labels.items() if selector.items() <= has.items()}

    ray = {"head", "workers", "gpu-workers"}
    policy = only("NetworkPolicy", found, "-ray")["spec"]
    assert chosen(policy["podSelector"]["matchLabels"]) == ray
    assert chosen(only("PodMonitor", found)["spec"]["selector"]["matchLabels"]) == ray
    budget = only("PodDisruptionBudget", found)["spec"]
    assert chosen(budget["selector"]["matchLabels"]) == {"workers"}
    for suffix, kind in (("-chroma", "StatefulSet"), ("-mlflow", "Deployment")):
        assert chosen(only("Service", found, suffix)["spec"]["selector"]) == {kind}
        assert chosen(
            only("NetworkPolicy", found, suffix)["spec"]["podSelector"]["matchLabels"]
        ) == {kind}


def test_the_serve_file_names_the_servers_of_the_release(made: dict[str, Any]) -> None:
    for name, chroma, mlflow in (
        ("defaults", "http://rag-chroma:8000", "http://rag-mlflow:5000"),
        ("gpu", "http://rag-chroma:8000", "http://rag-mlflow:5000"),
        ("lean", "http://chroma.data:8000", "https://mlflow.example.com"),
    ):
        by_name = {one["name"]: one["args"] for one in serve_file(made[name])["applications"]}
        assert by_name["retrieval-minilm"]["store"]["url"] == chroma
        assert by_name["gateway"]["tracing"]["otlp_url"] == f"{mlflow}/v1/traces"
        assert by_name["control"]["tracker"]["mlflow_url"] == mlflow
    services = {one["metadata"]["name"] for one in made["gpu"] if one["kind"] == "Service"}
    assert {"rag-chroma", "rag-mlflow"} == services


def test_mlflow_answers_by_the_names_that_are_used(made: dict[str, Any]) -> None:
    """It compares the header `Host` with patterns, and answers 403 where none fits."""
    container = only("Deployment", made["defaults"])["spec"]["template"]["spec"]["containers"][0]
    [hosts] = [one["value"] for one in container["env"] if one["name"].endswith("ALLOWED_HOSTS")]
    patterns = hosts.split(",")
    for host in ("rag-mlflow:5000", "rag-mlflow.prod:5000", "localhost:5000"):
        assert any(fnmatch(host, pattern) for pattern in patterns)
    assert not any(fnmatch("attacker.example:5000", pattern) for pattern in patterns)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": {"tag": "0.2.0"}}, "0.2.0"),
        ({"image": {"digest": "sha256:" + "a" * 64}}, "sha256:" + "a" * 64),
        ({"serve": {"version": "build-18"}}, "build-18"),
    ],
    ids=["tag", "digest", "version"],
)
def test_another_image_is_a_change_of_every_application(change: dict[str, Any], said: str) -> None:
    for application in serve_file(objects(change))["applications"]:
        assert application["runtime_env"]["env_vars"]["RAGSERVE_VERSION"] == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"workers": {"minReplica": 3}}, "minReplica"),
        ({"chromadb": {}}, "chromadb"),
        ({"workers": {"minReplicas": "three"}}, "workers.minReplicas"),
        ({"image": {"digest": "latest"}}, "image.digest"),
        ({"chroma": {"url": "http://user:password@chroma"}}, "chroma.url"),
        ({"chroma": {"enabled": False}}, "chroma.url is needed"),
        ({"serve": {"preset": "gpu"}}, "gpuWorkers.enabled"),
        ({"serve": {"config": "proxy_location: EveryNode"}}, "no Serve file"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(
    values: dict[str, Any], said: str, helm: str, tmp_path: Path
) -> None:
    with pytest.raises(CliError) as refused:
        render_chart(values, release=RELEASE, namespace=NAMESPACE)
    assert said in f"{refused.value.message} {refused.value.detail}"
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = run_helm(helm, "template", RELEASE, str(CHART), values=file)
    assert done.returncode != 0
    assert said.rpartition(".")[2] in done.stderr


def test_grpc_has_a_port_wherever_it_is_switched_on(made: dict[str, Any]) -> None:
    found = made["gpu"]
    options = serve_file(found)["grpc_options"]
    assert options["port"] == 9001
    assert set(options["grpc_servicer_functions"]) == set(SERVICERS)
    for template in ray_groups(found).values():
        [container] = [
            one for one in template["spec"]["containers"] if one["name"].startswith("ray-")
        ]
        assert {"name": "grpc", "containerPort": 9001} in container["ports"]
    service = only("RayService", found)["spec"]["serveService"]["spec"]
    assert [port["port"] for port in service["ports"]] == [8000, 9001]
    rules = only("NetworkPolicy", found, "-ray")["spec"]["ingress"]
    assert sum({"protocol": "TCP", "port": 9001} in rule.get("ports", []) for rule in rules) == 1


def test_without_it_no_port_of_grpc_is_anywhere(made: dict[str, Any]) -> None:
    assert "grpc_options" not in serve_file(made["defaults"])
    assert "9000" not in yaml.safe_dump(made["defaults"])
