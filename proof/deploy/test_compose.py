"""What Compose starts works together: see `without_containers`."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from proof.deploy.without_containers import HOST, check_replicas, engine
from tests import ROOT
from tests.support.loopback_ports import held_port

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = ROOT / "deploy"
_SECRETS: Final = "/run/secrets/"


def compose(folder: Path) -> dict[str, Any]:
    """The file, beside secrets that were made as its head says."""
    for name in ("compose.yaml", "new_secrets.sh", "valkey.conf"):
        shutil.copy(_FOLDER / name, folder)
    subprocess.run(["sh", folder / "new_secrets.sh"], check=True)  # noqa: S607  what is shipped
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.replace("${HOSTS:-localhost}", HOST))
    return found


def mounted(service: dict[str, Any], folder: Path) -> dict[str, str]:
    """The places of a container that are files of the folder."""
    mounts = (it.removesuffix(":ro").split(":") for it in service["volumes"])
    return {inside: str(folder / outside) for outside, inside in mounts}


def settings_of(service: dict[str, Any], secrets: dict[str, Any], folder: Path) -> dict[str, str]:
    """The settings of a replica, with its secrets where they lie here."""
    files = {f"{_SECRETS}{it}": str(folder / secrets[it]["file"]) for it in service["secrets"]}
    return {name: files.get(it, it) for name, it in service["environment"].items()}


@pytest.mark.skipif(shutil.which("valkey-server") is None, reason="only Redis is installed")
async def test_what_compose_starts_works_together(tmp_path: Path) -> None:
    """A yes from one replica is good at the other; a wrong token or name opens nothing."""
    with held_port() as port:
        await _check_what_is_started(tmp_path, port)


async def _check_what_is_started(tmp_path: Path, port: int) -> None:
    found = compose(tmp_path)
    services = found["services"]
    address, token = (tmp_path / "secrets" / it for it in ("store-url", "token"))
    address.write_text(
        address.read_text("utf-8").replace("valkey:6379", f"127.0.0.1:{port}"), encoding="utf-8"
    )
    valkey = services["valkey"]
    files = mounted(valkey, tmp_path)
    command = [files.get(it, it) for it in valkey["command"]]
    command += ["--port", str(port), "--dir", str(tmp_path)]
    _, probe = valkey["healthcheck"]["test"]
    async with engine(command, probe.replace("valkey-cli", f"valkey-cli -p {port}")):
        await check_replicas(
            [
                settings_of(services[it], found["secrets"], tmp_path)
                for it in ("replica-1", "replica-2")
            ],
            token.read_text("utf-8").strip(),
        )
