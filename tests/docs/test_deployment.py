"""`deploy/`: its files are well formed, and agree with each other and with the settings.

`make replicas-test` runs HAProxy with its configuration. No container engine has run the others.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests import ROOT
from trax_mcp.settings import read_settings

FOLDER = ROOT / "deploy"


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def arguments_of_valkey(words: list[str]) -> dict[str, str]:
    """What its command line sets."""
    assert words[0] == "valkey-server"
    return dict(zip(words[1::2], words[2::2], strict=True))


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
    settings = read_settings({**replica["environment"], "TRAX_ALLOWED_HOSTS": "mcp.example.com"})
    assert settings.store_url is not None
    assert int(replica["stop_grace_period"].removesuffix("s")) > settings.drain_seconds > 0
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
    settings = read_settings(
        {
            it["name"]: it.get("value", "a-secret")
            for it in container["env"]
            if it["name"].startswith("TRAX_")
        }
    )
    assert settings.store_url is not None
    assert pod["terminationGracePeriodSeconds"] > settings.drain_seconds > 0
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    (valkey,) = found["Deployment", "valkey"]["template"]["spec"]["containers"]
    assert arguments_of_valkey(valkey["args"]).items() >= SAFE.items()
    assert found["Service", "trax-mcp"]["publishNotReadyAddresses"]
    assert replicas["replicas"] == 2
