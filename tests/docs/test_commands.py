"""Every command on a page is tried: run on the sandbox, or in a form that changes nothing."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from release.declared import only
from tests import ROOT
from tests.support.home_folder import Home
from tests.support.markdown_pages import CONTRIBUTING, USER_PAGES, docs
from tests.support.product.commands import is_a_command, run_command
from tests.support.product.reference import CLIENTS
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox

INSTALLING: Final = {
    "python3 -m venv .venv",
    "py -m venv .venv",
    ".venv/bin/python -m pip install .",
    ".venv/bin/python -m pip install '.[replicas]'",
    ".venv/bin/python -m pip install '.[telemetry]'",
}
"""They make an environment and install from the network; `make wheel` does the same."""

ON_A_SERVER: Final = docs("operations")
"""Its scripts are for root on a machine of its own; `test_deployment` reads them."""

PAGES: Final = [it for it in USER_PAGES if it.name != ON_A_SERVER.name]
COMMANDS: Final = list(dict.fromkeys(it for page in PAGES for it in page.commands()))
OURS: Final = [it for it in COMMANDS if it.startswith(".venv/bin/trax-mcp ")]
OTHERS: Final = [it for it in COMMANDS if it not in OURS and not it.startswith("curl ")]
_SHELL: Final = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1]])"


@pytest.mark.parametrize("command", OURS, ids=str)
def test_every_command_of_ours_runs(command: str, tmp_path: Path, served: Sandbox) -> None:
    """In an empty home folder, with a sandbox in place of TRaX. A server starts, and is ended."""
    name, *arguments = shlex.split(command)[1:]
    home = Home(tmp_path)
    match name:
        case "install":  # where it names no client, a person chooses the one that is there
            settings = {"TRAX_BASE_URL": served.base_url}
            (home.path / ".cursor").mkdir()
            done = home.install(
                *arguments, typed=SANDBOX_KEY, chosen="1", terminal=True, settings=settings
            )
        case "doctor" | "uninstall":
            assert home.install("cursor", "--sandbox").code == 0
            sandbox = ["--sandbox"] if name == "doctor" else []
            done = run_command(name, *arguments, *sandbox, settings=home.settings())
        case "http" | "sandbox" | "sign-in":
            ports = ["--port", "0"] if name != "sign-in" else []
            done = run_command(name, *arguments, *ports, settings=home.settings())
        case _:  # tests/cli/test_demo.py plays it
            assert command == ".venv/bin/trax-mcp demo"
            return
    assert done.code == 0, done


@pytest.mark.parametrize("command", OTHERS, ids=str)
def test_every_command_of_another_program_is_possible(command: str) -> None:
    """The files, targets and arguments that it names exist."""
    words = shlex.split(command)
    match words:
        case ["make", target]:
            dry_run = subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=False)  # noqa: S603, S607  a target of ours
            assert dry_run.returncode == 0
        case [".venv/bin/python", script, *arguments] if script != "-m":
            text = (ROOT / script).read_text(encoding="utf-8")
            assert [it for it in arguments if it[0] == "-" and f'"{it}"' not in text] == []
        case ["export", setting]:
            assert f"| `{setting.partition('=')[0]}` |" in docs("settings").text
        case ["docker", "build", "--tag", "trax-mcp", "."]:
            assert (ROOT / "Dockerfile").is_file()
        case (
            ["HOSTS=mcp.example.com", "docker", "compose", "--file", file, "up", "--build"]
            | ["DOMAIN=trax.example.com", "SERVER=127.0.0.1:8765", "caddy", *_, "--config", file]
            | ["sh", file]
        ):
            assert (ROOT / file).is_file()
        case ["sudo", "chown", user, *files]:
            assert only("USER").text.startswith(f"{user}:")
            written = (ROOT / "deploy/new_secrets.sh").read_text(encoding="utf-8")
            assert all(f">{it.removeprefix('deploy/')}\n" in written for it in files)
        case ["docker", "run", *options]:
            before = only("ENTRYPOINT").command()[1:]
            assert is_a_command(*before, *options[options.index("trax-mcp") + 1 :])
        case ["claude", "mcp", "add", "--transport", kind, "trax", url, "--header", header]:
            block, *_ = docs("http").blocks("json")
            name, _, value = header.partition(": ")
            entry = {"type": kind, "url": url, "headers": {name: value}}
            assert json.loads(block) == {"mcpServers": {"trax": entry}}
        case ["copilot" | "cline" | "qwen", "mcp", "add", "trax", *arguments]:  # each was tried
            assert arguments[-1] == "/path/to/trax-mcp"
        case _:
            assert command in INSTALLING


@pytest.mark.parametrize("seed", ["abc", "-1", "4294967296", "1 2"])
def test_a_hash_seed_that_python_refuses_gets_one_line(seed: str) -> None:
    command = ("make", "--dry-run", "test", f"PYTHONHASHSEED={seed}")
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603  a target of ours
    (line,) = done.stderr.splitlines()
    assert f'is a number from 0 to 4294967295, and not "{seed}"' in line
    assert done.stdout == ""


async def test_the_curl_command_calls_a_tool() -> None:
    """As it is pasted, but for the port."""
    (block,) = (it for it in docs("bots").blocks("sh") if it.startswith("curl "))
    async with running("http", "--sandbox", "--port", "0") as server:
        pasted = block.replace("http://127.0.0.1:8765", await server.address())
        async with running(program=("-c", _SHELL, pasted)) as shell:
            assert await shell.end() == 0, shell.stderr.text
    answer = json.loads(shell.stdout.text)["result"]["structuredContent"]
    assert answer["matches"][0]["name"] == "Friday Night Show"


def test_every_inline_command_exists() -> None:
    """Our own with their arguments, and targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in (it for page in (*USER_PAGES, CONTRIBUTING) for it in page.inline_commands()):
        filled_in = command.replace("CLIENT", next(iter(CLIENTS))).replace("list|revoke", "list")
        program, *arguments = filled_in.split()
        if program == "make":
            assert f"\n{arguments[0]}:" in makefile, command
        else:
            assert is_a_command(*arguments), command
