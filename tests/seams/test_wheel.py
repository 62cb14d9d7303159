"""The wheel that people install: it holds all of the package, and starts and asks by itself.

The other tests run the files of the repository, of which a wheel may lack some.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PathDistribution
from typing import TYPE_CHECKING, Final
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tests import ROOT
from tests.support.guarded_calls import GO_LIVE
from tests.support.hosted_process import hosted_server
from tests.support.opened_addresses import OpenedAddresses
from tests.support.repository import repository_files
from tests.support.server_process import running
from tests.world.oauth import OAuthSteps, key_form
from tests.world.page import PageClient, address_behind
from tests.world.wire import MODERN, request, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROGRAM: Final = ("-P", "-m", "trax_mcp")
"""`-P`: the current folder, which is the repository, is not searched."""
PANEL: Final = "ui://trax/approval.html"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network and unpacked as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603  our own command
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def contents(folder: Path, files: Iterable[Path]) -> dict[str, bytes]:
    """What is in these files of a folder."""
    return {it.relative_to(folder).as_posix(): it.read_bytes() for it in files if it.is_file()}


def test_the_wheel_has_all_files_of_the_package_and_the_prompts(installed: Path) -> None:
    """Scripts, pages, pictures and schemas too."""
    wanted = contents(ROOT / "trax_mcp", repository_files("trax_mcp/**/*"))
    wanted |= contents(ROOT, repository_files("prompts/*"))
    packed = contents(installed / "trax_mcp", (installed / "trax_mcp").rglob("*"))
    assert packed.keys() == wanted.keys()
    assert [name for name in wanted if wanted[name] != packed[name]] == []


def test_people_sign_in_without_an_extra(installed: Path) -> None:
    """What seals their keys comes with the wheel, as it comes with the SDK."""
    (about,) = installed.glob("*.dist-info")
    wheel = PathDistribution(about)
    required = map(Requirement, wheel.requires or ())
    assert "cryptography" in {it.name for it in required if it.marker is None}
    assert set(wheel.metadata.get_all("Provides-Extra") or ()) == {
        "passkey",
        "replicas",
        "telemetry",
    }


async def test_the_installed_wheel_offers_its_tools_and_asks_on_its_page(
    installed: Path, tmp_path: Path
) -> None:
    """With the panel, and with each file that the page loads."""
    opened = OpenedAddresses(tmp_path)
    settings = {**opened.environment, "PYTHONPATH": str(installed)}
    async with running(settings=settings, program=PROGRAM) as server:
        tools = (await server.ask(request(MODERN, "tools/list", number=1)))["result"]["tools"]
        assert GO_LIVE.tool in {it["name"] for it in tools}
        prompts = await server.ask(request(MODERN, "prompts/list", number=2))
        assert len(prompts["result"]["prompts"]) == len(repository_files("prompts/*"))
        panel = await server.ask(request(MODERN, "resources/read", {"uri": PANEL}, number=3))
        (content,) = panel["result"]["contents"]
        assert "<script>" in content["text"]
        await server.tell(tool_call(MODERN, GO_LIVE.tool, number=4, **GO_LIVE.arguments))
        tab = PageClient(address_behind(await opened.next()))
        assert (await tab.get()).is_success
        for name in ("page.js", "approval.js", "page.css", "approval.css"):
            assert (await tab.get(f"/{name}")).content == (
                installed / "trax_mcp/web/static" / name
            ).read_bytes()


async def test_the_installed_wheel_lets_people_sign_in(installed: Path, tmp_path: Path) -> None:
    """Its pages are drawn from files too."""
    settings = {"PYTHONPATH": str(installed)}
    async with (
        hosted_server(tmp_path, settings=settings, program=PROGRAM) as server,
        OAuthSteps(server.address) as steps,
    ):
        await steps.register()
        page = await steps.page()
        style = await steps.browser.get("/sign-in/sign_in.css")
    assert key_form(page).passwords
    assert style.content == (installed / "trax_mcp/sign_in/static/sign_in.css").read_bytes()
