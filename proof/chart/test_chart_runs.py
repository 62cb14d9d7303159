"""What the chart starts works together: see `proof.replicas.without_containers`."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from proof.chart.rendered import Rendered
from proof.replicas.without_containers import check_replicas, engine
from tests import ROOT
from tests.support.markdown_pages import docs
from tests.support.raw_upstream import closed_port

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


def as_documented() -> tuple[Rendered, dict[str, str]]:
    """What the commands of the page install, and the Secret, by Helm and kubectl themselves."""
    (script,) = (it for it in docs("replicas").blocks("sh") if "helm install" in it)
    script = script.replace("create secret", "create --dry-run=client --output yaml secret")
    script = script.replace("helm install", "helm template")
    done = subprocess.run(  # noqa: S602  a page of ours
        script, shell=True, cwd=ROOT, check=True, capture_output=True, text=True
    )
    secret, *objects = (it for it in yaml.safe_load_all(done.stdout) if it)
    assert secret["metadata"]["name"] == "trax-mcp"
    data = {name: base64.b64decode(it).decode() for name, it in secret["data"].items()}
    return Rendered(objects), data


def mount(pod: dict[str, Any], secret: dict[str, str], folder: Path) -> None:
    """Write the files of a pod's Secret."""
    (volume,) = (it["secret"] for it in pod["volumes"] if "secret" in it)
    folder.mkdir()
    for it in volume["items"]:
        file = folder / it["path"]
        file.write_text(secret[it["key"]], encoding="utf-8")
        file.chmod(0o600)


def engine_of(release: Rendered, port: int, folder: Path) -> AbstractAsyncContextManager[None]:
    """The engine of the chart, which reads its Secret from a folder."""
    container = release.container("valkey")
    *shell, script = container["command"]
    script = script.replace("/etc/valkey", str(folder))
    script = script.replace("--bind '*'", f"--bind 127.0.0.1 --port {port} --dir {folder}")
    probe = container["livenessProbe"]["exec"]["command"][-1]
    return engine([*shell, script], probe.replace("valkey-cli", f"valkey-cli -p {port}"))


async def test_valkey_does_not_start_without_its_password(tmp_path: Path) -> None:
    """Neither if the file cannot be read, nor if it is empty."""
    release, _ = as_documented()
    for _ in range(2):
        with pytest.raises(ChildProcessError):
            async with engine_of(release, closed_port(), tmp_path):
                pass
        (tmp_path / "store-password").touch()


@pytest.mark.skipif(shutil.which("valkey-server") is None, reason="only Redis is installed")
async def test_what_the_chart_starts_works_together(tmp_path: Path) -> None:
    """A yes from one replica is good at the other; a wrong token or name opens nothing."""
    release, secret = as_documented()
    port = closed_port()
    of_replica, of_valkey = tmp_path / "replica", tmp_path / "valkey"
    here = secret | {
        "store-url": secret["store-url"].replace("trax-mcp-valkey:6379", f"127.0.0.1:{port}")
    }
    mount(release.pod("replica"), here, of_replica)
    mount(release.pod("valkey"), here, of_valkey)
    settings = {
        name: value.replace("/etc/trax-mcp", str(of_replica))
        for name, value in release.environment("replica").items()
    }
    async with engine_of(release, port, of_valkey):
        with pytest.raises(AuthenticationError):
            await Redis(port=port).ping()
        await check_replicas([settings] * 2, secret["token"])
