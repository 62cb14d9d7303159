"""`deploy/`: its files are well formed, and agree with each other and with the settings.

`make proof PART=deploy` runs HAProxy and Valkey with their files, and what Compose starts,
without containers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from release.declared import only
from tests import ROOT
from tests.support.markdown_pages import docs
from tests.support.product.commands import Outcome, run_command
from tests.support.product.server import VERSION

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "deploy"
UNIT = FOLDER / "trax-mcp@.service"
LONGEST_CALL_SECONDS = 10 + 15
"""How long TRaX may take, by default, and how long a go-live is observed after that."""


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def test_two_replicas_of_compose_start_with_their_settings_and_secrets_from_files() -> None:
    """They are the same, and drain in time. The proxy is given all that its configuration names."""
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    replica = services["replica-1"]
    assert replica == services["replica-2"]
    settings = {**replica["environment"], "TRAX_ALLOWED_HOSTS": "mcp.example.com"}
    assert run_command(settings=settings) == Outcome(0, "", "")
    drain = float(settings["TRAX_DRAIN_SECONDS"])
    assert int(replica["stop_grace_period"].removesuffix("s")) > drain > LONGEST_CALL_SECONDS
    files = {it for name, it in settings.items() if name.endswith("_FILE")}
    assert files == {f"/run/secrets/{it}" for it in compose["secrets"]}
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == {"HOSTS"}
    assert f"chown {only('USER').text.partition(':')[0]} secrets/store-url secrets/token" in text
    proxy, port = services["proxy"]["environment"], only("EXPOSE").text
    needed = set(re.findall(r"\$\{(\w+)\}", (FOLDER / "haproxy.cfg").read_text("utf-8")))
    assert set(proxy) == needed - {"PROXY_USER", "PROXY_CERTIFICATE"} | {"REPLICAS_IN_DNS"}
    assert {proxy["REPLICA_1"], proxy["REPLICA_2"]} == {f"replica-{it}:{port}" for it in (1, 2)}
    assert all("127.0.0.1:" in it for it in services["proxy"]["ports"])


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
    """Files of `deploy/`, this version, and each alert."""
    page = docs("operations")
    scripts = "\n".join(page.blocks("sh"))
    made = re.findall(r">(secrets/[\w.-]+)", (FOLDER / "new_secrets.sh").read_text("utf-8"))
    for name in re.findall(r"deploy/([\w./@-]+\w)", scripts):
        assert (FOLDER / name).is_file() or name in {"secrets", *made}, name
    assert f"/opt/trax-mcp/{VERSION}/bin/pip install --no-deps ." in scripts
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
