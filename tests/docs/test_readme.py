"""README is short, its requests name tools that exist, and its install commands work."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest
from mcp import Client, StdioServerParameters

from tests.support.client_configurations import SAMPLES
from tests.support.home_folder import Home, sample_of
from tests.support.listed_tools import check_server
from tests.support.markdown_pages import DOCS, README, docs
from tests.support.server_process import environment, running
from trax_mcp.cli.install.clients import CLIENTS
from trax_mcp.server.tool_filter import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

MAX_LINES: Final = 170
PROMISES: Final = 6


def install_commands() -> list[str]:
    """The install commands, one for each client whose configuration is written."""
    table = README.section("Add it to your assistant")
    found: list[str] = re.findall(r"\| `(\.venv/bin/trax-mcp install [\w-]+)` \|", table)
    assert [it.split()[-1] for it in found] == list(CLIENTS)
    return [it for it in found if it.split()[-1] in [sample.client for sample in SAMPLES]]


def test_readme_is_short() -> None:
    """All else is in `docs/`."""
    assert len(README.text.splitlines()) <= MAX_LINES


def test_readme_says_in_six_lines_why_it_can_be_trusted() -> None:
    """A line for each promise."""
    lines = README.section("Why you can trust it on air").splitlines()
    assert len([it for it in lines if it.startswith("- **")]) == PROMISES


def test_readme_names_the_clients_that_were_tried() -> None:
    """And no other, where it says what is unproven."""
    unproven = README.section("What is unproven")
    assert [it.name for it in CLIENTS.values() if it.title in unproven] == [
        it.name for it in CLIENTS.values() if it.tried
    ]


def test_readme_links_every_page() -> None:
    """No page of `docs/` is hard to find."""
    assert {it.name for it in DOCS} <= set(README.links())


def test_the_example_requests_name_existing_tools() -> None:
    """In the second column of the table."""
    named = re.findall(r"`(\w+)`", " ".join(README.column("What you can say", 1)))
    assert set(named) - {"TRAX_MEDIA_DIRS"} <= TOOLS
    assert set(named) >= {"go_live", "go_offline", "send_chat_message", "upload_media"}


def test_windows_gets_the_same_commands_as_other_systems() -> None:
    """Those of `docs/install.md` without `make`, and the paths of Windows."""
    install = docs("install")
    here = install.blocks("sh")[0]
    there = here.replace("python3 -m venv", "py -m venv").replace(".venv/bin/", ".venv\\Scripts\\")
    assert README.blocks("powershell") == install.blocks("powershell") == [there]


@pytest.mark.parametrize("line", install_commands(), ids=str)
async def test_every_install_command_sets_up_a_working_client(line: str, tmp_path: Path) -> None:
    """The written entry starts a server that answers, and the doctor agrees."""
    home, client = Home(tmp_path), CLIENTS[line.rsplit(maxsplit=1)[-1]]
    assert (await home.install(client.name, "--sandbox")).code == 0
    written = home.path / sample_of(client.name).path
    entry = json.loads(written.read_text())[client.servers]["trax"]
    start = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment({}))
    async with Client(start) as trax:
        await check_server(trax, on_the_sandbox=True)
    async with running("doctor", "--json", settings=home.settings()) as doctor:
        assert await doctor.end() == 0
    checks = {it["name"]: it for it in json.loads(doctor.stdout.text)["checks"]}
    assert "starts this installation, on the sandbox" in checks[client.name]["detail"]
