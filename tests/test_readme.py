"""README tells what is so: it quotes what the server says, and what can be run in it is run here.

What stands there is tried as a reader would: commands are given to the command line, and with every
configuration a server is started and asked.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from typing import TYPE_CHECKING, Any, Final, get_args

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests import ROOT
from tests.dockerfile import only
from tests.exchanges import README, play, quoting
from tests.homes import COMMAND, Home
from tests.processes import environment, running
from trax_mcp.api import error_responses
from trax_mcp.cli.clients import CLIENTS, Computer
from trax_mcp.cli.main import _parser
from trax_mcp.consent.policy import Reason, Status
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.prompts import FrontMatter, Prompts
from trax_mcp.server.tool_filter import TOOLS, ToolFilter
from trax_mcp.settings import PREFIX, Settings

if TYPE_CHECKING:
    from pathlib import Path

TEXT: Final = README.read_text(encoding="utf-8")
CONTRIBUTING: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROGRAM: Final = "/path/to/trax-mcp"
KEY_FILE: Final = "/path/to/key"
OTHER_PROGRAMS: Final = {"python3 -m venv ~/trax", "~/trax/bin/pip install ."}
"""What a reader runs that is not ours, and that `make wheel` does in their place."""

OWN_CODES: Final = {"no_key", "unreachable", "timeout", "read_only", "invalid_file"}
"""Codes of failures that are ours and not TRaX's, as far as README names them."""


def blocks(kind: str, text: str = TEXT) -> list[str]:
    """The fenced blocks of one kind."""
    return re.findall(rf"```{kind}\n(.*?)\n```", text, re.DOTALL)


def section(title: str) -> str:
    """What stands under a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def column(title: str, number: int) -> list[str]:
    """A column of the first table under a heading."""
    rows = [it for it in section(title).splitlines() if it.startswith("| ")]
    return [row.split(" | ")[number].removeprefix("| ") for row in rows[1:]]


def settings_in(text: str) -> set[str]:
    """The settings that a text names."""
    return set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", text))


def commands() -> list[str]:
    """Every command that README tells a reader to run."""
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.partition("  #")[0].rstrip() for line in lines]


def mentioned() -> list[str]:
    """Every command that stands in a sentence or a table."""
    text = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"`((?:make|(?:\.venv/bin/)?trax-mcp)(?: [^`]+)?)`", text)
    return list(dict.fromkeys(" ".join(it.split()) for it in found if it != "make"))


def installing() -> list[str]:
    """The lines of the first screen, one for each client."""
    first_screen = TEXT.partition("\n## ")[0]
    return re.findall(
        r"^\| [\w ]+ \| `(\.venv/bin/trax-mcp install [\w-]+)` \|", first_screen, re.MULTILINE
    )


def configurations() -> list[dict[str, Any]]:
    """What README puts into a client's configuration: the entries of `trax`."""
    found = [json.loads(block) for block in blocks("json")]
    keys = {it.servers for it in CLIENTS.values()}
    return [it[key]["trax"] for it in found for key in keys if key in it]


async def test_the_exchanges_are_what_the_server_says() -> None:
    """Word for word. `python -m tests.exchanges` writes them anew, for you to read."""
    assert quoting(TEXT, await play()) == TEXT


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    """Both ways: what can be set is told, and what is told can be set."""
    rows = re.findall(r"^\| (`TRAX_.*?) \|", section("Settings"), re.MULTILINE)
    assert settings_in("\n".join(rows)) == {PREFIX + it.upper() for it in Settings.model_fields}
    assert settings_in(TEXT) <= settings_in("\n".join(rows))


def test_every_default_is_the_one_that_holds() -> None:
    """As far as the table gives one as a value."""
    rows = re.findall(r"^\| `(TRAX_\w+)` \| `?([\w:/.-]+)`? \|", section("Settings"), re.MULTILINE)
    assert rows
    defaults = {PREFIX + name.upper(): it.default for name, it in Settings.model_fields.items()}
    told = {"none": (None, ()), "off": (False,), "all": ((),)}
    for name, default in rows:
        allowed = told.get(default, (default,))
        assert defaults[name] in allowed or str(defaults[name]) in allowed, name


@pytest.mark.parametrize("block", blocks("json"))
def test_every_piece_of_json_is_json(block: str) -> None:
    """It can be copied into a configuration as it is."""
    assert isinstance(json.loads(block), dict)


@pytest.mark.parametrize("command", commands())
def test_every_command_is_one_that_there_is(command: str) -> None:
    """As far as ours are concerned: with these very arguments, and as a target of the Makefile."""
    words = shlex.split(command)
    if "trax-mcp" in command.replace("--tag trax-mcp", ""):
        of_ours = re.split(r"(?:^|[\s/])trax-mcp(?:\s|$)", command)[-1]
        before = only("ENTRYPOINT").command()[1:] if words[0] == "docker" else []
        assert _parser().parse_args([*before, *shlex.split(of_ours)])
        return
    match words:
        case ["make", target]:
            assert f"\n{target}:" in (ROOT / "Makefile").read_text()
        case [".venv/bin/python", script]:
            assert (ROOT / script).is_file()
        case ["claude", "mcp", "add", "--transport", "http", "trax", _, "--header", _]:
            pass  # the configuration above it says the same, and is tried
        case ["docker", "build", "--tag", "trax-mcp", "."]:
            assert (ROOT / "Dockerfile").is_file()
        case _:
            assert command in OTHER_PROGRAMS


@pytest.mark.parametrize("told", mentioned())
def test_every_command_in_a_sentence_or_a_table_is_one_that_there_is(told: str) -> None:
    """Ours with its arguments, and the Makefile's targets."""
    program, *arguments = told.replace("CLIENT", next(iter(CLIENTS))).split()
    if program == "make":
        assert f"\n{arguments[0]}:" in (ROOT / "Makefile").read_text()
    else:
        assert _parser().parse_args(arguments)


def test_every_command_stands_in_the_table() -> None:
    """So that nobody has to ask `--help` to learn of one."""
    told = {it.strip("`").split()[1] for it in column("Commands", 0) if " " in it}
    listed = re.findall(r"^ {4}(\w+) +\w", _parser().format_help(), re.MULTILINE)
    assert told == set(listed)


@pytest.mark.parametrize("entry", configurations(), ids=str)
async def test_every_configuration_starts_a_server_that_answers(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    """With the path of this installation, and a real key in a real file."""
    if "url" in entry:
        async with running("http", "--sandbox", "--port", "0") as server:
            url = entry["url"].replace("http://127.0.0.1:8765", await server.address())
            assert entry["headers"] == {"X-API-Key": "sk_live_..."}
            web = httpx2.AsyncClient(headers={"X-API-Key": SANDBOX_KEY}, trust_env=False)
            async with web, Client(streamable_http_client(url, http_client=web)) as client:
                await asked(client, on_the_sandbox=True)
        return
    (tmp_path / "key").write_text(SANDBOX_KEY)
    assert entry["command"] == PROGRAM
    env = {name: it.replace(KEY_FILE, str(tmp_path / "key")) for name, it in entry_env(entry)}
    # Nothing gets out of this machine: TRaX is where nobody listens.
    nowhere = {"TRAX_BASE_URL": "http://127.0.0.1:1"}
    start = StdioServerParameters(
        command=COMMAND, args=entry.get("args", []), env=environment(nowhere | env)
    )
    async with Client(start) as client:
        await asked(client, on_the_sandbox="--sandbox" in entry.get("args", []))


@pytest.mark.parametrize("line", installing(), ids=str)
async def test_every_line_of_the_first_screen_leads_to_an_answer(line: str, tmp_path: Path) -> None:
    """Each client is set up, starts what was written for it, is answered, and the doctor agrees."""
    home, client = Home(tmp_path), CLIENTS[line.rsplit(maxsplit=1)[-1]]
    assert (await home.install(client.name, "--sandbox")).code == 0
    written = client.configuration(Computer(sys.platform, tmp_path, {}))
    entry = json.loads(written.read_text())[client.servers]["trax"]
    start = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment({}))
    async with Client(start) as trax:
        await asked(trax, on_the_sandbox=True)
    async with running("doctor", "--json", settings=home.settings()) as doctor:
        assert await doctor.end() == 0
    checks = {it["name"]: it for it in json.loads(doctor.stdout.text)["checks"]}
    assert "starts this installation, on the sandbox" in checks[client.name]["detail"]


def entry_env(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """The settings in an entry."""
    return list(entry.get("env", {}).items())


async def asked(client: Client, *, on_the_sandbox: bool) -> None:
    """Ask a server for its tools, and for the studios: it has a key, if not always a TRaX."""
    assert [it.name for it in (await client.list_tools()).tools] == [
        it.tool_name for it in ToolFilter().kinds()
    ]
    answer = await client.call_tool("list_studios", {})
    expected = "Friday Night Show" if on_the_sandbox else "TRaX could not be reached"
    assert expected in str(answer.content)


def test_what_you_can_say_names_tools_that_there_are() -> None:
    """The requests are for people, what happens is for this test."""
    named = re.findall(r"`(\w+)`", " ".join(column("What you can say", 1)))
    assert set(named) - {"TRAX_MEDIA_DIRS"} <= TOOLS
    assert set(named) >= {"go_live", "go_offline", "send_chat_message", "upload_media"}


def test_every_symptom_that_is_a_code_is_one_that_is_sent() -> None:
    """What is looked up is what was seen."""
    seen = " ".join(column("When something is wrong", 0))
    known = {*get_args(Reason), *get_args(Status), *error_responses._MEANINGS, *OWN_CODES, *TOOLS}
    codes = set(re.findall(r"`([a-z_]+)`", seen)) - {"trax"}
    assert codes <= known
    assert {"invalid_key", "insufficient_scope", "write_disabled", "rate_limited"} <= codes


def test_our_own_codes_are_sent() -> None:
    """Each is somewhere in the program, as a word of its own."""
    program = "".join(it.read_text() for it in (ROOT / "trax_mcp").rglob("*.py"))
    assert [code for code in OWN_CODES if f'"{code}"' not in program] == []


def test_how_a_prompt_is_added_is_as_it_is_told() -> None:
    """The front matter in CONTRIBUTING is one that is taken."""
    (block,) = blocks("toml", CONTRIBUTING)
    front = FrontMatter.model_validate(tomllib.loads(block))
    assert set(front.tools) <= TOOLS


def test_every_prompt_is_told() -> None:
    """In the table that is written from them."""
    told = [it.strip("`") for it in column("Prompts", 0)]
    assert told == [it.name for it in Prompts.load(ToolFilter(local=True)).listings()]


PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/proof.md", "docs/race.md"]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    """Files of the repository, and headings of the page."""
    text = (ROOT / name).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        known = target in anchors or (ROOT / name).parent.joinpath(target).is_file()
        assert known or target == "https://semver.org", target
