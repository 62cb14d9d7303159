"""README is correct: its exchanges match the server, and its commands and configurations work.

Commands are parsed by the command line; with each configuration a server is started and called.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Any, Final, get_args

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests import ROOT
from tests.support.client_configurations import SAMPLES
from tests.support.dockerfile import only
from tests.support.home_folder import COMMAND, Home, sample_of
from tests.support.readme_exchanges import README, run_exchanges, with_exchanges
from tests.support.server_process import environment, running
from trax_mcp.api import error_responses
from trax_mcp.cli.clients import CLIENTS
from trax_mcp.cli.main import _parser
from trax_mcp.consent.evidence import Reason, Status
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.prompts import FrontMatter, Prompts
from trax_mcp.server.tool_filter import TOOLS, ToolFilter
from trax_mcp.settings import VARIABLE_PREFIX, Settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

TEXT: Final = README.read_text(encoding="utf-8")
CONTRIBUTING: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROGRAM: Final = "/path/to/trax-mcp"
KEY_FILE: Final = "/path/to/key"
OTHER_PROGRAMS: Final = {"python3 -m venv ~/trax", "~/trax/bin/pip install ."}
"""Commands of other programs; `make wheel` runs their equivalent."""

OWN_CODES: Final = {"no_key", "unreachable", "timeout", "read_only", "invalid_file"}
"""Error codes of this server that README names."""


def blocks(kind: str, text: str = TEXT) -> list[str]:
    """The fenced blocks of one kind."""
    return re.findall(rf"```{kind}\n(.*?)\n```", text, re.DOTALL)


def section(title: str) -> str:
    """The text under a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def column(title: str, number: int) -> list[str]:
    """A column of the first table under a heading."""
    rows = [it for it in section(title).splitlines() if it.startswith("| ")]
    return [row.split(" | ")[number].removeprefix("| ") for row in rows[1:]]


def settings_in(text: str) -> set[str]:
    """The settings that a text names."""
    return set(re.findall(rf"\b{VARIABLE_PREFIX}[A-Z_]+[A-Z]\b", text))


def commands() -> list[str]:
    """Every command in a `sh` block."""
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.partition("  #")[0].rstrip() for line in lines]


def inline_commands() -> list[str]:
    """Every command within a sentence or a table."""
    text = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"`((?:make|(?:\.venv/bin/)?trax-mcp)(?: [^`]+)?)`", text)
    return list(dict.fromkeys(" ".join(it.split()) for it in found if it != "make"))


def install_commands() -> list[str]:
    """The install commands at the top, one for each client whose configuration is written."""
    first_screen = TEXT.partition("\n## ")[0]
    found: list[str] = re.findall(
        r"^\| [\w ]+ \| `(\.venv/bin/trax-mcp install [\w-]+)` \|", first_screen, re.MULTILINE
    )
    assert [it.split()[-1] for it in found] == list(CLIENTS)
    return [it for it in found if it.split()[-1] in [sample.client for sample in SAMPLES]]


def configurations() -> list[dict[str, Any]]:
    """The `trax` entries of the JSON client configurations."""
    found = [json.loads(block) for block in blocks("json")]
    keys = {it.servers for it in CLIENTS.values()}
    return [it[key]["trax"] for it in found for key in keys if key in it]


async def test_the_exchanges_match_the_servers_output() -> None:
    """`python -m tests.support.readme_exchanges` updates them."""
    assert with_exchanges(TEXT, await run_exchanges()) == TEXT


def test_the_settings_table_lists_exactly_the_settings() -> None:
    """No other setting is named elsewhere in README."""
    rows = re.findall(r"^\| (`TRAX_.*?) \|", section("Settings"), re.MULTILINE)
    assert settings_in("\n".join(rows)) == {
        VARIABLE_PREFIX + it.upper() for it in Settings.model_fields
    }
    assert settings_in(TEXT) <= settings_in("\n".join(rows))


def test_the_settings_table_has_the_actual_defaults() -> None:
    """Where the table gives a value."""
    rows = re.findall(r"^\| `(TRAX_\w+)` \| `?([\w:/.-]+)`? \|", section("Settings"), re.MULTILINE)
    assert rows
    defaults = {
        VARIABLE_PREFIX + name.upper(): it.default for name, it in Settings.model_fields.items()
    }
    words = {"none": (None, ()), "off": (False,), "all": ((),)}
    for name, default in rows:
        allowed = words.get(default, (default,))
        assert defaults[name] in allowed or str(defaults[name]) in allowed, name


def test_every_json_block_is_valid() -> None:
    """It can be copied into a configuration."""
    for block in blocks("json"):
        assert isinstance(json.loads(block), dict), block


def test_every_command_exists() -> None:
    """Our own with these arguments, and targets of the Makefile."""
    for command in commands():
        check_command(command)


def check_command(command: str) -> None:
    """Parse our own command, or look for the file or target that another one names."""
    words = shlex.split(command)
    if "trax-mcp" in command.replace("--tag trax-mcp", ""):
        ours = re.split(r"(?:^|[\s/])trax-mcp(?:\s|$)", command)[-1]
        before = only("ENTRYPOINT").command()[1:] if words[0] == "docker" else []
        assert _parser().parse_args([*before, *shlex.split(ours)])
        return
    match words:
        case ["make", target]:
            assert f"\n{target}:" in (ROOT / "Makefile").read_text()
        case [".venv/bin/python", script]:
            assert (ROOT / script).is_file()
        case ["claude", "mcp", "add", "--transport", "http", "trax", _, "--header", _]:
            pass  # the configuration above it is equivalent and is tested
        case ["docker", "build", "--tag", "trax-mcp", "."]:
            assert (ROOT / "Dockerfile").is_file()
        case _:
            assert command in OTHER_PROGRAMS


def test_every_inline_command_exists() -> None:
    """Our own with their arguments, and targets of the Makefile."""
    for command in inline_commands():
        program, *arguments = command.replace("CLIENT", next(iter(CLIENTS))).split()
        if program == "make":
            assert f"\n{arguments[0]}:" in (ROOT / "Makefile").read_text(), command
        else:
            assert _parser().parse_args(arguments), command


def test_every_command_is_in_the_commands_table() -> None:
    """As listed by `--help`."""
    documented = {it.strip("`").split()[1] for it in column("Commands", 0) if " " in it}
    listed = re.findall(r"^ {4}(\w+) +\w", _parser().format_help(), re.MULTILINE)
    assert documented == set(listed)


@pytest.mark.parametrize("entry", configurations(), ids=str)
async def test_every_configuration_starts_a_server_that_answers(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    """With this installation's path and a key in a file."""
    if "url" in entry:
        async with running("http", "--sandbox", "--port", "0") as server:
            url = entry["url"].replace("http://127.0.0.1:8765", await server.address())
            assert entry["headers"] == {"X-API-Key": "sk_live_..."}
            http = httpx2.AsyncClient(headers={"X-API-Key": SANDBOX_KEY}, trust_env=False)
            async with http, Client(streamable_http_client(url, http_client=http)) as client:
                await check_server(client, on_the_sandbox=True)
        return
    (tmp_path / "key").write_text(SANDBOX_KEY)
    assert entry["command"] == PROGRAM
    env = {name: it.replace(KEY_FILE, str(tmp_path / "key")) for name, it in entry_env(entry)}
    # No server listens on this port, so no request leaves this machine.
    unreachable = {"TRAX_BASE_URL": "http://127.0.0.1:1"}
    start = StdioServerParameters(
        command=COMMAND, args=entry.get("args", []), env=environment(unreachable | env)
    )
    async with Client(start) as client:
        await check_server(client, on_the_sandbox="--sandbox" in entry.get("args", []))


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


def entry_env(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """The settings in an entry."""
    return list(entry.get("env", {}).items())


async def check_server(client: Client, *, on_the_sandbox: bool) -> None:
    """List the tools and call one; the result shows the key and which TRaX is used."""
    assert [it.name for it in (await client.list_tools()).tools] == [
        it.tool_name for it in ToolFilter().kinds()
    ]
    answer = await client.call_tool("list_studios", {})
    expected = "Friday Night Show" if on_the_sandbox else "TRaX could not be reached"
    assert expected in str(answer.content)


def test_the_example_requests_name_existing_tools() -> None:
    """In the second column of the table."""
    named = re.findall(r"`(\w+)`", " ".join(column("What you can say", 1)))
    assert set(named) - {"TRAX_MEDIA_DIRS"} <= TOOLS
    assert set(named) >= {"go_live", "go_offline", "send_chat_message", "upload_media"}


def test_every_code_in_the_troubleshooting_table_exists() -> None:
    """Readers look up the codes that they see."""
    seen = " ".join(column("When something is wrong", 0))
    known = {*get_args(Reason), *get_args(Status), *error_responses._MEANINGS, *OWN_CODES, *TOOLS}
    codes = set(re.findall(r"`([a-z_]+)`", seen)) - {"trax"}
    assert codes <= known
    assert {"invalid_key", "insufficient_scope", "write_disabled", "rate_limited"} <= codes


def test_the_servers_own_codes_are_in_the_source() -> None:
    """Each as a string literal."""
    program = "".join(it.read_text() for it in (ROOT / "trax_mcp").rglob("*.py"))
    assert [code for code in OWN_CODES if f'"{code}"' not in program] == []


def test_the_front_matter_in_contributing_is_valid() -> None:
    """The example for adding a prompt."""
    (block,) = blocks("toml", CONTRIBUTING)
    front = FrontMatter.model_validate(tomllib.loads(block))
    assert set(front.tools) <= TOOLS


def test_every_prompt_is_in_the_prompts_table() -> None:
    """In the order of the listing."""
    documented = [it.strip("`") for it in column("Prompts", 0)]
    assert documented == [it.name for it in Prompts.load(ToolFilter(local=True)).listings()]


PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/proof.md", "docs/race.md"]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_has_a_target(name: str) -> None:
    """Files of the repository, and headings of the page."""
    text = (ROOT / name).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        known = target in anchors or (ROOT / name).parent.joinpath(target).is_file()
        assert known or target == "https://semver.org", target
