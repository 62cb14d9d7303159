"""What the chart starts, without containers: the same commands and variables, on loopback."""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from proof.chart.rendered import Rendered
from proof.replicas.presses import RAN, press, preview
from proof.replicas.proxied_replicas import shipped_proxy
from tests import ROOT
from tests.support.guarded_calls import GO_LIVE
from tests.support.jsonrpc import MODERN, HttpCaller, request
from tests.support.markdown_pages import docs
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.raw_upstream import closed_port
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, Running, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST: Final = "mcp.example.com"
_PAUSE_SECONDS: Final = 0.02


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


@asynccontextmanager
async def engine(container: dict[str, Any], port: int, folder: Path) -> AsyncIterator[None]:
    """The engine, from when its probe succeeds.

    Raises:
        ChildProcessError: it ends.
    """
    *shell, script = container["command"]
    script = script.replace("/etc/valkey", str(folder))
    script = script.replace("--bind '*'", f"--bind 127.0.0.1 --port {port} --dir {folder}")
    process = await asyncio.create_subprocess_exec(
        *shell, script, stdout=asyncio.subprocess.DEVNULL
    )
    *asking, probe = container["livenessProbe"]["exec"]["command"]
    probe = probe.replace("valkey-cli", f"valkey-cli -p {port}")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                asked = await asyncio.create_subprocess_exec(
                    *asking, probe, stderr=asyncio.subprocess.DEVNULL
                )
                if await asked.wait() == 0:
                    break
                if process.returncode is not None:
                    raise ChildProcessError(process.returncode)
                await asyncio.sleep(_PAUSE_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_valkey_does_not_start_without_its_password(tmp_path: Path) -> None:
    """Neither if the file cannot be read, nor if it is empty."""
    release, _ = as_documented()
    for _ in range(2):
        with pytest.raises(ChildProcessError):
            async with engine(release.container("valkey"), closed_port(), tmp_path):
                pass
        (tmp_path / "store-password").touch()


@pytest.mark.skipif(shutil.which("valkey-server") is None, reason="only Redis is installed")
async def test_what_the_chart_starts_works_together(tmp_path: Path) -> None:
    """A yes from one replica is good at the other; a wrong token or name opens nothing."""
    release, secret = as_documented()
    trax, port = Sandbox(rate_limit=None), closed_port()
    of_replica, of_valkey = tmp_path / "replica", tmp_path / "valkey"
    here = secret | {
        "store-url": secret["store-url"].replace("trax-mcp-valkey:6379", f"127.0.0.1:{port}")
    }
    mount(release.pod("replica"), here, of_replica)
    mount(release.pod("valkey"), here, of_valkey)
    async with (
        engine(release.container("valkey"), port, of_valkey),
        listening(trax.app) as trax.base_url,
        AsyncExitStack() as stack,
    ):
        with pytest.raises(AuthenticationError):
            await Redis(port=port).ping()
        settings = {
            name: value.replace("/etc/trax-mcp", str(of_replica))
            for name, value in release.environment("replica").items()
        }
        replicas: list[Running] = []
        for _ in range(2):
            started = running(
                *("http", "--host", "0.0.0.0", "--port", "0"),  # noqa: S104  as the image does
                settings=settings | {"TRAX_BASE_URL": trax.base_url},
            )
            replicas.append(await stack.enter_async_context(started))
        addresses = [(await it.address()).replace("0.0.0.0", "127.0.0.1") for it in replicas]  # noqa: S104
        ports = [int(it.rpartition(":")[2]) for it in addresses]
        address, _ = await stack.enter_async_context(
            shipped_proxy(*(f"127.0.0.1:{it}" for it in ports))
        )
        a, b, at_proxy = [
            HttpCaller(
                await stack.enter_async_context(plain_http(it)),
                MODERN,
                host=HOST,
                x_api_key=SANDBOX_KEY,
                authorization=f"Bearer {secret['token']}",
            )
            for it in (*addresses, address)
        ]
        assert await press(b, GO_LIVE, await preview(a, GO_LIVE)) == RAN
        listing = request(MODERN, "tools/list", {})
        assert (await at_proxy.post(listing)).status_code == HTTPStatus.OK
        for refused, status in (
            ({"host": "another.example"}, HTTPStatus.MISDIRECTED_REQUEST),
            ({"authorization": "Bearer another"}, HTTPStatus.UNAUTHORIZED),
        ):
            assert (await at_proxy.post(listing, **refused)).status_code == status
