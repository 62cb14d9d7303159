"""`deploy/`: its files are well formed, and agree with each other and with the settings.

`make replicas-test` runs HAProxy with its configuration, and what Compose starts, without
containers. No container engine has run them.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import yaml

from tests import ROOT
from tests.support.dockerfile import only
from tests.support.product.commands import Outcome, run_command
from tests.support.served_app import serving

FOLDER = ROOT / "deploy"
LONGEST_CALL_SECONDS = 10 + 15
"""How long TRaX may take, by default, and how long a go-live is observed after that."""


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def arguments_of_valkey(words: list[str]) -> dict[str, str]:
    """The settings on its command line."""
    assert words[0] == "valkey-server"
    return dict(zip(words[1::2], words[2::2], strict=True))


def check_start(settings: dict[str, str]) -> None:
    """Check that a server starts with these settings, without asking for the shared memory."""
    assert "TRAX_STORE_URL" in settings
    assert run_command(settings=settings) == Outcome(0, "", "")


SAFE = {
    "--save": "",
    "--appendonly": "no",
    "--maxmemory": "256mb",
    "--maxmemory-policy": "noeviction",
}


def test_two_replicas_of_compose_share_an_engine_that_keeps_all_and_nothing_on_a_disk() -> None:
    """They are the same, and start with these settings."""
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    assert services["replica-1"] == services["replica-2"]
    assert arguments_of_valkey(services["valkey"]["command"]).items() >= SAFE.items()
    replica = services["replica-1"]
    settings = {**replica["environment"], "TRAX_ALLOWED_HOSTS": "mcp.example.com"}
    check_start(settings)
    drain = float(settings["TRAX_DRAIN_SECONDS"])
    assert int(replica["stop_grace_period"].removesuffix("s")) > drain > LONGEST_CALL_SECONDS
    assert all(it["restart"] == "unless-stopped" for it in services.values())
    assert all("127.0.0.1:" in it for it in services["proxy"]["ports"])


def test_compose_gives_the_proxy_all_that_its_configuration_names() -> None:
    """And mounts that file."""
    (compose,) = documents("compose.yaml")
    proxy = compose["services"]["proxy"]
    names = set(re.findall(r"\$\{(\w+)\}", (FOLDER / "haproxy.cfg").read_text(encoding="utf-8")))
    assert set(proxy["environment"]) == names
    assert proxy["volumes"] == ["./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]


def test_kubernetes_runs_the_same() -> None:
    """With probes, and a grace that is longer than the drain."""
    found = {
        (it["kind"], it["metadata"]["name"]): it["spec"] for it in documents("kubernetes.yaml")
    }
    replicas = found["StatefulSet", "trax-mcp"]
    pod = replicas["template"]["spec"]
    (container,) = pod["containers"]
    settings = {
        it["name"]: it.get("value", "a-secret")
        for it in container["env"]
        if it["name"].startswith("TRAX_")
    }
    check_start(settings)
    drain = float(settings["TRAX_DRAIN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > drain > LONGEST_CALL_SECONDS
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    (valkey,) = found["Deployment", "valkey"]["template"]["spec"]["containers"]
    assert arguments_of_valkey(valkey["args"]).items() >= SAFE.items()
    assert found["Service", "trax-mcp"]["publishNotReadyAddresses"]
    assert replicas["replicas"] == 2


def test_ports_and_names_agree_with_the_image() -> None:
    """In Compose, in Kubernetes, and in the address of the engine."""
    port = int(only("EXPOSE").text)
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    proxied = services["proxy"]["environment"]
    assert {proxied["REPLICA_1"], proxied["REPLICA_2"]} == {f"replica-{it}:{port}" for it in (1, 2)}
    assert services["proxy"]["ports"][0].endswith(proxied["PROXY_BIND"])
    found = {(it["kind"], it["metadata"]["name"]): it for it in documents("kubernetes.yaml")}
    (container,) = pod_of(found["StatefulSet", "trax-mcp"])["containers"]
    (valkey,) = pod_of(found["Deployment", "valkey"])["containers"]
    (replica_port,), (engine_port,) = container["ports"], valkey["ports"]
    assert replica_port["containerPort"] == port
    assert engine_port["containerPort"] == 6379
    assert {it["httpGet"]["port"] for it in probes(container)} == {replica_port["name"]}
    for name, its_port in (("trax-mcp", port), ("valkey", 6379)):
        service = found["Service", name]["spec"]
        assert [it["port"] for it in service["ports"]] == [its_port]
        owners = [it for it in found.values() if it["kind"] in {"StatefulSet", "Deployment"}]
        assert service["selector"] in [it["spec"]["selector"]["matchLabels"] for it in owners]
    kubernetes_url = next(it["value"] for it in container["env"] if it["name"] == "TRAX_STORE_URL")
    for url in (services["replica-1"]["environment"]["TRAX_STORE_URL"], kubernetes_url):
        assert url.endswith("@valkey:6379/0")
    for it in (it for it in found.values() if it["kind"] in {"StatefulSet", "Deployment"}):
        template = it["spec"]["template"]
        assert template["metadata"]["labels"] == it["spec"]["selector"]["matchLabels"]


async def test_probes_of_kubernetes_are_answered_under_any_name() -> None:
    """A node asks a pod by its address, and has no token."""
    found = {it["kind"]: it for it in documents("kubernetes.yaml")}
    (container,) = pod_of(found["StatefulSet"])["containers"]
    token = "mine-alone"
    async with serving(TRAX_MCP_TOKEN=token, TRAX_ALLOWED_HOSTS="mcp.example.com") as front:
        for probe in probes(container):
            path = probe["httpGet"]["path"]
            answer = await front.http.get(path, headers={"Host": "10.1.2.3:8765"})
            assert answer.status_code == HTTPStatus.OK


def test_services_of_other_names_in_kubernetes_set_nothing_in_a_replica() -> None:
    """Variables as of a Service `trax-mcp-proxy` would stop the start."""
    refused = run_command("http", settings={"TRAX_MCP_PROXY_SERVICE_HOST": "10.0.0.1"})
    assert "TRAX_MCP_PROXY_SERVICE_HOST is not a setting" in refused.err
    found = {it["kind"]: it for it in documents("kubernetes.yaml")}
    assert pod_of(found["StatefulSet"])["enableServiceLinks"] is False


def pod_of(owner: dict[str, Any]) -> dict[str, Any]:
    """The pods of a StatefulSet or a Deployment."""
    pod: dict[str, Any] = owner["spec"]["template"]["spec"]
    return pod


def probes(container: dict[str, Any]) -> list[dict[str, Any]]:
    """The probes of a container."""
    return [it for name, it in container.items() if name.endswith("Probe")]
