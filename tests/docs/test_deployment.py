"""`deploy/`: its files are well formed, and agree with each other and with the settings.

`make replicas-test` runs HAProxy with its configuration, and what Compose starts, without
containers; `make chart` does so with the Helm chart. No container engine has run them.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import yaml

from tests import ROOT
from tests.support.dockerfile import only
from tests.support.product.commands import Outcome, run_command
from tests.support.product.server import VERSION
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


def test_ports_and_names_agree_with_the_image() -> None:
    """Those of the proxy, and that of the engine."""
    port = int(only("EXPOSE").text)
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    proxied = services["proxy"]["environment"]
    assert {proxied["REPLICA_1"], proxied["REPLICA_2"]} == {f"replica-{it}:{port}" for it in (1, 2)}
    assert services["proxy"]["ports"][0].endswith(proxied["PROXY_BIND"])
    assert services["replica-1"]["environment"]["TRAX_STORE_URL"].endswith("@valkey:6379/0")


def test_the_chart_is_of_this_version() -> None:
    """It installs the image of its own version, unless a value says otherwise."""
    (chart,) = documents("chart/Chart.yaml")
    assert chart["version"] == chart["appVersion"] == VERSION


async def test_probes_are_answered_under_any_name() -> None:
    """Kubernetes asks a pod by its address, and has no token."""
    token = "mine-alone"
    async with serving(TRAX_MCP_TOKEN=token, TRAX_ALLOWED_HOSTS="mcp.example.com") as front:
        for path in ("/healthz", "/readyz"):
            answer = await front.http.get(path, headers={"Host": "10.1.2.3:8765"})
            assert answer.status_code == HTTPStatus.OK
