"""Every command on a page is tried: run on the sandbox, or in a form that changes nothing."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests import ROOT
from tests.support.dockerfile import only
from tests.support.home_folder import Home
from tests.support.markdown_pages import CONTRIBUTING, USER_PAGES, Page, docs
from tests.support.product.local_servers import upstream
from tests.support.pyproject import PROJECT
from tests.support.server_process import running
from trax_mcp.cli.install.clients import CLIENTS
from trax_mcp.cli.main import _parser
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

INSTALLING: Final = {
    "python3 -m venv .venv",
    "py -m venv .venv",
    ".venv/bin/python -m pip install .",
    ".venv/bin/python -m pip install '.[replicas]'",
    ".venv/bin/python -m pip install '.[sign-in]'",
}
"""They make an environment and install from the network; `make wheel` does the same."""

COMMANDS: Final = list(dict.fromkeys(it for page in USER_PAGES for it in page.commands()))
OURS: Final = [it for it in COMMANDS if it.startswith(".venv/bin/trax-mcp ")]
OTHERS: Final = [it for it in COMMANDS if it not in OURS and not it.startswith("curl ")]


@pytest.mark.parametrize("command", OURS, ids=str)
async def test_every_command_of_ours_runs(command: str, tmp_path: Path) -> None:
    """In an empty home folder, with a sandbox in place of TRaX."""
    name, *arguments = shlex.split(command)[1:]
    match name:
        case "install":
            await run_install(tmp_path, arguments)
        case "doctor":
            await run_doctor(tmp_path, arguments)
        case "http" | "sandbox":
            await run_server(name, arguments, Home(tmp_path))
        case "sign-in":
            async with running(name, *arguments, settings=Home(tmp_path).settings()) as ours:
                assert await ours.end() == 0
        case _:  # tests/cli/test_demo.py plays it
            assert command == ".venv/bin/trax-mcp demo"


async def run_install(folder: Path, arguments: list[str]) -> None:
    """With a key that the sandbox accepts."""
    async with upstream() as trax:
        outcome = await Home(folder).install(
            *arguments, typed=f"{SANDBOX_KEY}\n", TRAX_BASE_URL=trax.base_url
        )
    assert outcome.code == 0, outcome.err


async def run_doctor(folder: Path, arguments: list[str]) -> None:
    """After the client of its argument, or any client, was set up."""
    home, client = Home(folder), next(iter(arguments), next(iter(CLIENTS)))
    assert (await home.install(client, "--sandbox")).code == 0
    async with running("doctor", *arguments, settings=home.settings()) as doctor:
        assert await doctor.end() == 0, doctor.stdout.text


async def run_server(name: str, arguments: list[str], home: Home) -> None:
    """On any free port; it answers, and ends when it is told to."""
    paths = {"http": "/healthz", "sandbox": "/v1/health"}
    async with running(name, *arguments, "--port", "0", settings=home.settings()) as server:
        port = (await server.stderr.match(r"http://(?:127\.0\.0\.1|0\.0\.0\.0)(:\d+)"))[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1{port}", trust_env=False) as web:
            assert (await web.get(paths[name])).status_code == httpx.codes.OK
        assert await server.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("command", OTHERS, ids=str)
def test_every_command_of_another_program_is_possible(command: str) -> None:
    """The files, targets and arguments that it names exist."""
    words = shlex.split(command)
    match words:
        case ["make", target]:
            dry_run = subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=False)  # noqa: S603, S607  a target of ours
            assert dry_run.returncode == 0
        case [".venv/bin/python", script]:
            assert (ROOT / script).is_file()
        case ["docker", "build", "--tag", "trax-mcp", "."]:
            assert (ROOT / "Dockerfile").is_file()
        case ["docker", "compose", "--file", file, "up", "--build"]:
            assert (ROOT / file).is_file()
        case ["docker", "run", *options]:
            before = only("ENTRYPOINT").command()[1:]
            assert _parser().parse_args([*before, *options[options.index("trax-mcp") + 1 :]])
        case ["claude", "mcp", "add", "--transport", kind, "trax", url, "--header", header]:
            (block,) = docs("http").blocks("json")
            name, _, value = header.partition(": ")
            entry = {"type": kind, "url": url, "headers": {name: value}}
            assert json.loads(block) == {"mcpServers": {"trax": entry}}
        case _:
            assert command in INSTALLING


def test_commands_for_windows_are_those_of_other_systems() -> None:
    """With the paths of Windows."""
    found = [it for page in USER_PAGES for it in page.commands("powershell")]
    assert found
    known = {*INSTALLING, *OURS}
    assert {it.replace(".venv\\Scripts\\", ".venv/bin/") for it in found} <= known


async def test_the_curl_command_calls_a_tool() -> None:
    """As it is pasted, but for the port."""
    (block,) = (it for it in docs("http").blocks("sh") if it.startswith("curl "))
    async with running("http", "--sandbox", "--port", "0") as server:
        pasted = block.replace("http://127.0.0.1:8765", await server.address())
        curl = await running_shell(pasted)
    answer = json.loads(curl)["result"]["structuredContent"]
    assert answer["matches"][0]["name"] == "Friday Night Show"


async def running_shell(command: str) -> str:
    """Run a command of a shell, and return its output."""
    async with running(program=("-c", _SHELL, command)) as shell:
        assert await shell.end() == 0, shell.stderr.text
    return shell.stdout.text


_SHELL: Final = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1]])"


@pytest.mark.parametrize("page", [*USER_PAGES, CONTRIBUTING], ids=lambda it: str(it.name))
def test_every_inline_command_exists(page: Page) -> None:
    """Our own with their arguments, and targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in page.inline_commands():
        filled_in = command.replace("CLIENT", next(iter(CLIENTS))).replace("list|revoke", "list")
        program, *arguments = filled_in.split()
        if program == "make":
            assert f"\n{arguments[0]}:" in makefile, command
        else:
            assert _parser().parse_args(arguments), command


def test_every_extra_that_a_page_names_exists() -> None:
    """As in `pip install '.[passkey]'`."""
    text = "".join(page.text for page in USER_PAGES)
    named = set(re.findall(r"(?:\.|trax-mcp)\[([\w-]+)\]", text))
    assert named
    assert named <= set(PROJECT["optional-dependencies"])


def test_every_command_is_in_the_commands_table() -> None:
    """As listed by `--help`."""
    column = docs("install").column("Commands", 0)
    documented = {it.strip("`").split()[1] for it in column if " " in it}
    listed = re.findall(r"^ {4}([\w-]+) +\w", _parser().format_help(), re.MULTILINE)
    assert documented == set(listed)
