"""What the chart renders: valid, safe, and in agreement with the image, the proxy and the docs."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from proof.chart.rendered import CHART, FULL, NAMESPACE, RELEASE, Object, Rendered, helm, rendered
from tests import ROOT
from tests.docs.test_deployment import LONGEST_CALL_SECONDS
from tests.support.dockerfile import only
from tests.support.markdown_pages import docs
from tests.support.product.commands import Outcome, run_command

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS: Final = {
    "default": (),
    "full": FULL,
    "without_valkey_and_policies": (
        *("--set", "valkey.enabled=false", "--set", "networkPolicy.enabled=false"),
    ),
}
VERSIONS: Final = [f"1.{minor}" for minor in range(28, 38)]
NOT_OF_KUBERNETES: Final = {"ServiceMonitor"}


@pytest.fixture(scope="module", params=VARIANTS)
def release(request: pytest.FixtureRequest) -> Rendered:
    """The objects with each set of values."""
    return rendered(*VARIANTS[request.param])


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_finds_nothing_to_mend(variant: str) -> None:
    done = helm("lint", "--strict", *VARIANTS[variant], CHART)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("variant", ["default", "full"])
def test_every_object_is_valid_in_every_version_of_kubernetes(variant: str) -> None:
    """No field is unknown. The oldest version is the one that the chart asks for."""
    declared = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert declared["kubeVersion"] == f">={VERSIONS[0]}.0-0"
    assert f"Kubernetes {VERSIONS[0]} to {VERSIONS[-1]}" in docs("replicas").flowing_text
    for it in rendered(*VARIANTS[variant]).objects:
        for version in VERSIONS if it["kind"] not in NOT_OF_KUBERNETES else ():
            kubernetes_validate.validate(it, version, strict=True)


def test_the_packed_chart_is_the_same(tmp_path: Path) -> None:
    """With the configuration of the proxy, which is a link in the repository."""
    assert helm("package", CHART, "--destination", tmp_path).returncode == 0
    (packed,) = tmp_path.iterdir()
    assert rendered(chart=packed) == rendered()


@pytest.mark.parametrize(
    "wrong",
    [
        "settings.TRAX_MCP_TOKEN=secret",
        "settings.TRAX_STORE_URL=redis://:secret@valkey",
        "settings.OTEL_EXPORTER_OTLP_HEADERS=authorization=secret",
        "settings.OTEL_EXPORTER_OTLP_TRACES_HEADERS=authorization=secret",
        "settings.TRAX_SIGN_IN=1",
        "settings.PATH=/bin",
        "networkPolicies.enabled=true",
        "metrics.enabled=yes-please",
        "hosts={https://mcp.example.com}",
        "replicas=3",
    ],
)
def test_a_wrong_value_or_a_secret_among_the_values_is_refused(wrong: str) -> None:
    """Values lie readable in the cluster, and a misspelt one must not be ignored."""
    done = helm("template", RELEASE, CHART, "--set-string", wrong)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


def test_secrets_are_files_that_only_their_own_container_can_read(release: Rendered) -> None:
    """No Secret is made, and none is in a variable or an argument."""
    assert "Secret" not in {it["kind"] for it in release.objects}
    mounted = {}
    for part, _ in release.workloads():
        pod, container = release.pod(part), release.container(part)
        assert "secretKeyRef" not in str(pod)
        assert "envFrom" not in container
        paths = {it["name"]: it["mountPath"] for it in container["volumeMounts"]}
        assert all(it["readOnly"] for it in container["volumeMounts"])
        for it in (it for it in pod["volumes"] if "secret" in it):
            assert it["secret"]["defaultMode"] == 0o440  # as `trax_mcp/secret_files.py` asks
            assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
            for item in it["secret"]["items"]:
                mounted[part, item["key"]] = f"{paths[it['name']]}/{item['path']}"
    replica = release.environment("replica")
    assert mounted.pop(("replica", "store-url")) == replica["TRAX_STORE_URL_FILE"]
    assert mounted.pop(("replica", "token")) == replica["TRAX_MCP_TOKEN_FILE"]
    for (part, key), path in mounted.items():
        assert (part, key) == ("valkey", "store-password")
        assert f"$(cat {path})" in release.container(part)["command"][-1]
    for name, value in replica.items():
        assert not re.search("password|secret|://", f"{name}={value}", re.IGNORECASE)


def test_every_pod_is_confined(release: Rendered) -> None:
    """It is not root, writes nothing, has no rights in the cluster, and ends what it cannot use."""
    for part, _ in release.workloads():
        pod, container = release.pod(part), release.container(part)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"limits", "requests"} <= set(container["resources"])
        assert {"readinessProbe", "livenessProbe"} <= set(container)
    user, _, group = only("USER").text.partition(":")
    context = release.pod("replica")["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (int(user), int(group))


def test_services_of_other_names_set_nothing_in_a_replica(release: Rendered) -> None:
    """Variables as of the Service `trax-mcp-proxy` would stop the start."""
    refused = run_command("http", settings={"TRAX_MCP_PROXY_SERVICE_HOST": "10.0.0.1"})
    assert "TRAX_MCP_PROXY_SERVICE_HOST is not a setting" in refused.err
    assert release.pod("replica")["enableServiceLinks"] is False


def test_a_replica_starts_drains_and_is_asked_how_it_is(release: Rendered, tmp_path: Path) -> None:
    """With its settings, by the paths that answer, and with more time than it needs."""
    settings = release.environment("replica")
    drain = int(settings["TRAX_DRAIN_SECONDS"])
    assert release.pod("replica")["terminationGracePeriodSeconds"] > drain > LONGEST_CALL_SECONDS
    container = release.container("replica")
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    for name, content in (("store-url", "redis://trax:p@valkey:6379/0"), ("token", "a-token")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    here = {it: value.replace("/etc/trax-mcp", str(tmp_path)) for it, value in settings.items()}
    assert run_command(settings=here) == Outcome(0, "", "")


@pytest.mark.parametrize(
    ("variant", "domain"), [("default", "cluster.local"), ("full", "cluster.example")]
)
def test_the_proxy_gets_the_names_of_the_replicas_and_the_configuration_of_compose(
    variant: str, domain: str
) -> None:
    """Whole names, since HAProxy does not complete them. HAProxy itself accepts them."""
    release = rendered(*VARIANTS[variant])
    replicas = release.find("StatefulSet", RELEASE)
    service = release.find("Service", replicas["spec"]["serviceName"])
    names = [
        f"{RELEASE}-{it}.{service['metadata']['name']}.{NAMESPACE}.svc.{domain}"
        for it in range(replicas["spec"]["replicas"])
    ]
    port = only("EXPOSE").text
    variables = release.environment("proxy")
    assert [variables[f"REPLICA_{it}"] for it in (1, 2)] == [f"{it}:{port}" for it in names]
    (listening,) = release.container("proxy")["ports"]
    assert variables["PROXY_BIND"] == f":{listening['containerPort']}"
    shipped = ROOT / "deploy/haproxy.cfg"
    text = shipped.read_text(encoding="utf-8")
    assert variables["REPLICAS_IN_DNS"] == "1"
    assert release.find("ConfigMap", f"{RELEASE}-proxy")["data"] == {"haproxy.cfg": text}
    path = os.pathsep.join((os.environ["PATH"], "/usr/sbin"))
    checked = ["haproxy", "-c", "-f", str(shipped)]
    subprocess.run(checked, env=variables | {"PATH": path}, check=True, capture_output=True)
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["clusterIP"] == "None"


def test_the_engine_is_one_and_keeps_all_in_memory_and_nothing_on_a_disk() -> None:
    """Two would know two states. An old state may not know that a yes was used."""
    release = rendered(*FULL)
    spec = release.find("Deployment", f"{RELEASE}-valkey")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    script = release.container("valkey")["command"][-1]
    assert "--maxmemory 1gb" in script
    safe = {'save ""', "appendonly no", "maxmemory-policy noeviction"}
    assert safe <= set(script.splitlines())


def test_one_proxy_sees_a_new_replica_before_the_next_one_drains(release: Rendered) -> None:
    """One, since it knows which session is at which replica."""
    assert release.find("Deployment", f"{RELEASE}-proxy")["spec"]["replicas"] == 1
    replicas = release.find("StatefulSet", RELEASE)["spec"]
    configuration = release.find("ConfigMap", f"{RELEASE}-proxy")["data"]["haproxy.cfg"]
    seconds = re.findall(r"^ +hold valid (\d+)s$", configuration, re.MULTILINE)
    assert [str(replicas["minReadySeconds"])] == seconds


def test_services_and_selectors_find_the_pods_of_one_part(release: Rendered) -> None:
    """By labels that no value and no version changes: a selector cannot be changed later."""
    always = rendered().labels()
    labels = release.labels()
    ports = {part: {it["name"] for it in release.container(part)["ports"]} for part in labels}
    for part, it in release.workloads():
        assert it["spec"]["selector"]["matchLabels"] == labels[part] == always[part]
    for it in (it for it in release.objects if it["kind"] == "Service"):
        (part,) = (part for part, them in labels.items() if them == it["spec"]["selector"])
        assert {port["name"] for port in it["spec"]["ports"]} == ports[part]
    budget = release.find("PodDisruptionBudget", RELEASE)["spec"]
    assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": labels["replica"]}}


def may_reach(release: Rendered, source: dict[str, str], target: dict[str, str]) -> set[str]:
    """The ports of the target's pods that the policies open to the source's."""
    policies = [
        it["spec"]
        for it in release.objects
        if it["kind"] == "NetworkPolicy"
        and it["spec"]["podSelector"]["matchLabels"].items() <= target.items()
    ]
    assert all("Ingress" in it["policyTypes"] for it in policies)
    if not policies:
        return {"all"}
    return {
        port["port"]
        for it in policies
        for rule in it["ingress"]
        if "from" not in rule or any(_selects(peer, source) for peer in rule["from"])
        for port in rule["ports"]
    }


def _selects(peer: Object, labels: dict[str, str]) -> bool:
    assert set(peer) == {"podSelector"}
    selected: dict[str, str] = peer["podSelector"]["matchLabels"]
    return selected.items() <= labels.items()


@pytest.mark.parametrize("variant", ["default", "full"])
def test_only_the_proxy_reaches_replicas_and_only_replicas_reach_valkey(variant: str) -> None:
    """Metrics are for everybody, and so is the proxy."""
    release = rendered(*VARIANTS[variant])
    labels = release.labels()
    everybody = {**labels, "stranger": {"app.kubernetes.io/name": "another"}}
    metrics = {"metrics"} if variant == "full" else set()
    for name, source in everybody.items():
        http = {"http"} if name == "proxy" else set()
        assert may_reach(release, source, labels["replica"]) == http | metrics
        store = {"valkey"} if name == "replica" else set()
        assert may_reach(release, source, labels["valkey"]) == store
        assert may_reach(release, source, labels["proxy"]) == {"all"}


def test_metrics_are_found_by_the_prometheus_operator() -> None:
    release = rendered(*FULL)
    monitor = release.find("ServiceMonitor", RELEASE)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    services = [it for it in release.objects if it["kind"] == "Service"]
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    (service,) = (it for it in services if wanted <= it["metadata"]["labels"].items())
    ports = {it["name"]: it["port"] for it in service["spec"]["ports"]}
    (endpoint,) = monitor["spec"]["endpoints"]
    assert str(ports[endpoint["port"]]) == release.environment("replica")["TRAX_METRICS_PORT"]


def test_the_ingress_leads_each_name_to_the_proxy_over_https() -> None:
    release = rendered(*FULL)
    spec = release.find("Ingress", RELEASE)["spec"]
    hosts = release.environment("replica")["TRAX_ALLOWED_HOSTS"].split(",")
    assert [it["host"] for it in spec["rules"]] == hosts == spec["tls"][0]["hosts"]
    for rule in spec["rules"]:
        (path,) = rule["http"]["paths"]
        assert path["backend"]["service"] == {"name": f"{RELEASE}-proxy", "port": {"name": "http"}}
    assert "Ingress" not in {it["kind"] for it in rendered().objects}
