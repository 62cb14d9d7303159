"""`deploy/`: its files are well formed, and agree with each other and with the settings.

`make proof PART=deploy` runs HAProxy and Valkey with their files, and what Compose starts,
without containers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests import ROOT
from tests.support.dockerfile import only
from tests.support.markdown_pages import docs
from tests.support.product.commands import Outcome, run_command
from tests.support.product.server import VERSION
from tests.support.served_app import serving

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "deploy"
UNIT = FOLDER / "trax-mcp@.service"
LONGEST_CALL_SECONDS = 10 + 15
"""How long TRaX may take, by default, and how long a go-live is observed after that."""


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def test_two_replicas_of_compose_share_an_engine_that_keeps_all_and_nothing_on_a_disk() -> None:
    """They are the same, and start with these settings."""
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    assert services["replica-1"] == services["replica-2"]
    lines = set((FOLDER / "valkey.conf").read_text(encoding="utf-8").splitlines())
    assert {'save ""', "appendonly no", "maxmemory 256mb", "maxmemory-policy noeviction"} <= lines
    _, file, *options = services["valkey"]["command"]
    assert services["valkey"]["volumes"] == [f"./secrets/valkey.conf:{file}:ro"]
    assert options == ["--bind", "*"]
    replica = services["replica-1"]
    settings = {**replica["environment"], "TRAX_ALLOWED_HOSTS": "mcp.example.com"}
    assert "TRAX_STORE_URL_FILE" in settings
    assert run_command(settings=settings) == Outcome(0, "", "")
    drain = float(settings["TRAX_DRAIN_SECONDS"])
    assert int(replica["stop_grace_period"].removesuffix("s")) > drain > LONGEST_CALL_SECONDS
    assert all(it["restart"] == "unless-stopped" for it in services.values())
    assert all("127.0.0.1:" in it for it in services["proxy"]["ports"])


def test_compose_gives_the_proxy_all_that_its_configuration_names() -> None:
    """And mounts that file."""
    (compose,) = documents("compose.yaml")
    proxy = compose["services"]["proxy"]
    text = (FOLDER / "haproxy.cfg").read_text(encoding="utf-8")
    needed = set(re.findall(r"\$\{(\w+)\}", text)) - {"PROXY_USER", "PROXY_CERTIFICATE"}
    assert set(proxy["environment"]) == needed | {"REPLICAS_IN_DNS"}
    assert proxy["volumes"] == ["./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]


def test_secrets_of_compose_are_files_of_the_user_of_the_image() -> None:
    """No variable holds one, and none is on a command line."""
    (compose,) = documents("compose.yaml")
    replica = compose["services"]["replica-1"]
    files = {it: f"/run/secrets/{it}" for it in replica["secrets"]}
    assert compose["secrets"].keys() == files.keys()
    named = {it for name, it in replica["environment"].items() if name.endswith("_FILE")}
    assert named == set(files.values())
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == {"HOSTS"}
    user = only("USER").text.partition(":")[0]
    assert f"chown {user} secrets/store-url secrets/token" in text


def test_the_unit_of_systemd_starts_a_server_with_the_settings_of_the_page(tmp_path: Path) -> None:
    """But for what is elsewhere here: its secrets, its engine, and Prometheus."""
    text = UNIT.read_text(encoding="utf-8")
    (script,) = (it for it in docs("operations").blocks("sh") if "TRAX_ALLOWED_HOSTS" in it)
    settings = dict(re.findall(r"(TRAX_\w+)=(\S+)", script))
    del settings["TRAX_STORE_URL_FILE"], settings["TRAX_METRICS_PORT"]
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("a-token\n", encoding="utf-8")
    settings |= {"TRAX_MCP_TOKEN_FILE": str(secret), "TRAX_SANDBOX": "1"}
    (start,) = re.findall(r"^ExecStart=\S+/trax-mcp (.*)$", text, re.MULTILINE)
    done = run_command(*start.replace("%i", "0").split(), settings=settings)
    assert "is listening on" in done.err
    (grace,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert int(grace) > float(settings["TRAX_DRAIN_SECONDS"]) > LONGEST_CALL_SECONDS


def test_the_page_of_operations_names_what_is_there() -> None:
    """Files of `deploy/`, this version, the settings of HAProxy, ports, and each alert."""
    page = docs("operations")
    scripts = "\n".join(page.blocks("sh"))
    made = re.findall(r">(secrets/[\w.-]+)", (FOLDER / "new_secrets.sh").read_text("utf-8"))
    for name in re.findall(r"deploy/([\w./@-]+\w)", scripts):
        assert (FOLDER / name).is_file() or name == "secrets" or name in made, name
    assert f"/opt/trax-mcp/{VERSION}/bin/pip install --no-deps ." in scripts
    proxy = (FOLDER / "haproxy.cfg").read_text(encoding="utf-8")
    for name in re.findall(r"^((?:PROXY|REPLICA)_\w+)=", scripts, re.MULTILINE):
        assert name in proxy
    for port in set(re.findall(r"127.0.0.1:(\d+)/readyz", scripts)):
        assert f"trax-mcp@{port}" in scripts
        assert f"=127.0.0.1:{port}\n" in scripts
    assert scripts.count("deploy/secrets/token") == 1, "a new password would void the token"
    (rules,) = documents("alerts.yaml")
    alerts = [it["alert"] for group in rules["groups"] for it in group["rules"] if "alert" in it]
    assert page.column("Watch", 0) == [f"`{it}`" for it in alerts]


def test_an_update_ends_at_a_replica_that_does_not_become_ready(tmp_path: Path) -> None:
    """The other one still serves. The programs of the system are played."""
    (script,) = (it for it in docs("operations").blocks("sh") if "for port in" in it)
    loop, log = script[script.index("for port in") :], tmp_path / "restarted"
    for name, does in (
        ("systemctl", f'echo "$2" >>{log}'),
        # curl fails at an error of HTTP if it was told so, and else says that all is well.
        ("curl", 'case " $* " in *" --fail "*) exit 22;; esac'),
    ):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        program.chmod(0o755)
    subprocess.run(["sh", "-c", loop], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)  # noqa: S603, S607  as an operator does
    assert log.read_text(encoding="utf-8").split() == ["trax-mcp@8765"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_accepts_the_unit_and_finds_it_safe(tmp_path: Path) -> None:
    """Each directive is known, and little of the machine is exposed."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE)
    unit.write_text(text, encoding="utf-8")
    for command in (
        ("verify", "--man=no", "--recursive-errors=no"),
        ("security", "--offline=yes", "--threshold=20"),
    ):
        done = subprocess.run(  # noqa: S603  a program of the system
            ["systemd-analyze", *command, str(unit)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done


def test_ports_and_names_agree_with_the_image() -> None:
    """Those of the proxy, and that of the engine."""
    port = int(only("EXPOSE").text)
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    proxied = services["proxy"]["environment"]
    assert {proxied["REPLICA_1"], proxied["REPLICA_2"]} == {f"replica-{it}:{port}" for it in (1, 2)}
    assert services["proxy"]["ports"][0].endswith(proxied["PROXY_BIND"])
    written = (FOLDER / "new_secrets.sh").read_text(encoding="utf-8")
    assert "valkey:6379" in written


async def test_probes_are_answered_under_any_name() -> None:
    """Kubernetes asks a pod by its address, and has no token."""
    token = "mine-alone"
    async with serving(TRAX_MCP_TOKEN=token, TRAX_ALLOWED_HOSTS="mcp.example.com") as front:
        for path in ("/healthz", "/readyz"):
            answer = await front.http.get(path, headers={"Host": "10.1.2.3:8765"})
            assert answer.status_code == HTTPStatus.OK
