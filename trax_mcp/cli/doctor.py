"""`trax-mcp doctor`: checks settings, key, TRaX and MCP clients, and says what to do.

A result has one sentence, and one remedy if there is something to do. No result contains a key.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path
from typing import Final, Literal, NamedTuple

import anyio
from rich.console import Console
from rich.text import Text

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.contract_check import compare, fold
from trax_mcp.api.errors import KEYS_SCREEN, WRITES_OFF, TraxError
from trax_mcp.api.models import Health, Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import OPERATIONS, GetHealth, GetOpenapi, ListStudios
from trax_mcp.api.text_safety import escape_invisible, quote
from trax_mcp.cli.doctor_questions import describe
from trax_mcp.cli.install.clients import FILE_CLIENTS, McpClient
from trax_mcp.cli.install.configuration import (
    SANDBOX_SWITCH,
    Configuration,
    has_placeholder,
    starts_this_installation,
)
from trax_mcp.cli.key_file import shorten
from trax_mcp.cli.startup import Access, access_of, check_names, client_for
from trax_mcp.cli.terminal import (
    console_on,
    print_hanging,
    unknown_client,
    waiting,
    wrong_arguments,
)
from trax_mcp.secret_files import mcp_tokens, store_url
from trax_mcp.settings import VARIABLE_PREFIX, CannotStart, Settings, read_settings

Read = type[Operation[Model]]
Results = dict[str, "Result"]
"""The results of the checks by name, in order."""

_READABLE_BY_OTHERS: Final = 0o044
_MAX_STATUS: Final = 40
_NAME_COLUMNS: Final = 16
_READS: Final[Mapping[str, Read]] = {
    str(it.call.scope): it for it in reversed(OPERATIONS) if it.call.scope and not it.call.mutates
}
"""The first read with each scope, the last one first."""
_REMEDIES: Final[Mapping[str, str]] = {
    "unreachable": "Check the network, TRAX_BASE_URL, and HTTPS_PROXY and SSL_CERT_FILE if set.",
    "timeout": "Look again later, or allow more time: TRAX_TIMEOUT_SECONDS.",
    "rate_limited": "Wait a little, then look again.",
    "invalid_key": f"Make a new key on {KEYS_SCREEN}, then run trax-mcp install CLIENT.",
}


State = Literal["ok", "failed", "warning", "not_checked"]
"""The state of what was checked. Only "failed" makes the command fail."""

_MARKS: Final[Mapping[State, tuple[str, str]]] = {
    "ok": ("✓", "bold green"),
    "failed": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "not_checked": ("·", "dim"),
}
"""A mark and its style."""


class Result(NamedTuple):
    """The result of a check: `detail` is a sentence, `remedy` the one thing to do."""

    state: State
    detail: str
    remedy: str | None = None


def run(options: Namespace) -> int:
    """Print the result of every check on stdout, with a remedy for each that needs one.

    With CLIENT, what that one would start is checked, with the settings in its configuration.

    Returns 1 if a check has failed, else 0. These are warnings, not failures: a scope that the key
    lacks, a key that others can read, differences in the contract that break nothing, a client that
    starts something else or gives no key, no client at all.

    Changes nothing. TRaX gets a few reads, one after the other, each for at most
    TRAX_TIMEOUT_SECONDS. `--json` prints one object:
    `{"ok", "checks": [{"name", "state", "detail", "remedy"?}]}`.
    """
    if options.client is not None and options.client not in FILE_CLIENTS:
        return unknown_client(options.client, FILE_CLIENTS, "without CLIENT it checks them all")
    if options.client is not None and options.sandbox:
        return wrong_arguments("CLIENT or --sandbox, not both.")
    if options.client is None:
        results = _run("the environment", options.environment) | _check_clients()
    else:
        results = _examine_client(FILE_CLIENTS[options.client])
    is_well = all(it.state != "failed" for it in results.values())
    console = console_on(sys.stdout)
    if options.json:
        rows = [{"name": name, **it._asdict()} for name, it in results.items()]
        checks = [{field: it for field, it in row.items() if it is not None} for row in rows]
        console.print(json.dumps({"ok": is_well, "checks": checks}, indent=2), soft_wrap=True)
    else:
        _print_report(console, results)
    return 0 if is_well else 1


def _examine_client(client: McpClient) -> Results:
    configuration = Configuration.read(client)
    path, started = _path(configuration), _check_client(configuration)
    if not configuration.entry and configuration.readable:
        detail = f"{path} has no trax." if configuration.text else f"{path} is not there."
        remedy = f"Run trax-mcp install {client.name} to add trax-mcp."
        return {client.name: Result("failed", detail, remedy)}
    if started.state in {"failed", "not_checked"} or not _is_here(configuration):
        return {client.name: Result("failed", started.detail, started.remedy)}
    source, variables = f"{client.title}'s configuration", _variables(configuration)
    results = {client.name: started} | _run(source, variables)
    if results["settings"].state == "ok":
        described = describe(client, read_settings(variables))
        if described is not None:
            is_asked, detail, next_step = described
            results["questions"] = Result("ok" if is_asked else "warning", detail, next_step)
    return results


def _run(source: str, variables: Mapping[str, str]) -> Results:
    async def collect() -> Results:
        return {name: result async for name, result in checks(source, variables)}

    with waiting(console_on(sys.stderr), "Checking"):
        return anyio.run(collect)


async def checks(source: str, variables: Mapping[str, str]) -> AsyncIterator[tuple[str, Result]]:
    """Check the settings in `variables`, their key and TRaX; `source` says who gives them.

    Yields the name of each check and its result. Settings, a key or a TRaX that failed are the
    last, since what follows needs them.
    """
    settings, result = _check_settings(source, variables)
    yield "settings", result
    if settings is None:
        return
    access, result = _check_key(settings)
    yield "key", result
    if access is None:
        return
    async with aclosing(client_for(access.settings)) as client:
        address = "The embedded sandbox" if settings.sandbox else access.settings.base_url
        try:
            health = await client.call(GetHealth(), ANONYMOUS, retry=False)
        except TraxError as error:
            yield "TRaX", _failed(error, prefix=f"At {address}: ")
            return
        yield "TRaX", _result_of_health(address, health)
        if access.caller.key is not None:
            yield "reads", await _check_reads(client, access.caller)
        yield "changes", _result_of_changes(settings, health)
        yield "contract", await _check_contract(client)


def _check_settings(source: str, variables: Mapping[str, str]) -> tuple[Settings | None, Result]:
    """Read the settings; None if one is wrong."""
    try:
        settings = read_settings(variables)
        check_names(settings)
        mcp_tokens(settings)
        store_url(settings)
    except CannotStart as error:
        remedy = f"Correct it: settings are read from {source}."
        return None, Result("failed", str(error), remedy)
    given = (name for name, value in variables.items() if value.strip())
    names = sorted(it for it in given if it.startswith(VARIABLE_PREFIX))
    listed = f"From {source}: {', '.join(names)}." if names else "The defaults hold."
    return settings, Result("ok", listed)


def _check_key(settings: Settings) -> tuple[Access | None, Result]:
    """Find the key, and the TRaX that it is for; None if there is none, or a wrong one."""
    hosted = settings.sign_in or settings.store_url or settings.store_url_file  # over HTTP alone
    if hosted and not (settings.api_key or settings.api_key_file):
        detail = "There is none: each caller sends their own."
        return Access(settings, ANONYMOUS), Result("not_checked", detail)
    try:
        access = access_of(settings)
    except CannotStart as error:
        remedy = "trax-mcp install CLIENT asks for another key."
        return None, Result("failed", str(error), remedy)
    if settings.sandbox:
        return access, Result("ok", "The sandbox brings its own.")
    if access.caller.key is None:
        remedy = f"Make one on {KEYS_SCREEN}, then run trax-mcp install CLIENT."
        return None, Result("failed", "There is none.", remedy)
    where = f"It is in {shorten(access.file) if access.file else 'TRAX_API_KEY'}"
    is_open = access.file and os.name == "posix" and access.file.stat().st_mode
    if is_open and is_open & _READABLE_BY_OTHERS:
        detail = f"{where}, which others on this computer can read."
        return access, Result("warning", detail, "Run chmod 600 on it.")
    return access, Result("ok", f"{where}.")


def _result_of_health(address: str, health: Health) -> Result:
    if health.status.lower() == "ok":
        return Result("ok", f"{address} answers.")
    status = quote(health.status, longest=_MAX_STATUS)
    detail = f"{address} answers, but says of itself {status}, not ok."
    return Result("warning", detail, "Look again later.")


async def _check_reads(client: Client, caller: Caller) -> Result:
    """Read once with each scope. The first read shows whether TRaX accepts the key."""
    studio, may, lacks, unchecked = "", [], [], []
    failed: dict[str, TraxError] = {}
    for scope, read in reversed([*_READS.items()]):
        of_studio = "studio_id" in read.model_fields
        if of_studio and not studio:
            unchecked.append(scope)
            continue
        operation = read.model_validate({"studioId": studio} if of_studio else {})
        try:
            found = await client.call(operation, caller, retry=False)
        except TraxError as error:
            if error.code == "insufficient_scope":
                lacks.append(scope)
            elif read is ListStudios:
                return _failed(error)
            else:
                failed[scope] = error
            continue
        may.append(scope.removesuffix(":read"))
        if read is ListStudios:
            studio = next((it.id for it in getattr(found, "data", ())), "")
    return _result_of_reads(may, lacks, unchecked, failed)


def _result_of_changes(settings: Settings, health: Health) -> Result:
    match health.write_enabled:
        case True:
            return Result("ok", "TRaX takes them. What your key may change is not tried.")
        case False if settings.read_only:
            return Result("ok", f"{WRITES_OFF}; TRAX_READ_ONLY needs none.")
        case False:
            remedy = "Wait: no setting of yours changes that."
            return Result("failed", f"{WRITES_OFF}.", remedy)
        case _:
            return Result("not_checked", "TRaX does not say whether it takes changes.")


async def _check_contract(client: Client) -> Result:
    try:
        live = (await client.call(GetOpenapi(), ANONYMOUS, retry=False)).model_extra
    except TraxError as error:
        return _failed(error)
    differences = fold(compare(live, CONTRACT.document))
    if not differences:
        return Result("ok", f"It is the one that is built in ({CONTRACT.version}).")
    breaking = sum(it.breaking for it in differences)
    count = f"{len(differences)}, {breaking or 'none'} of them breaking"
    detail = f"Differences from the one that is built in ({CONTRACT.version}): {count}."
    remedy = "Run trax-mcp contract check, which lists them and says what to do."
    return Result("failed" if breaking else "warning", detail, remedy)


def _result_of_reads(
    may: list[str], lacks: list[str], unchecked: list[str], failed: Mapping[str, TraxError]
) -> Result:
    if not (lacks or unchecked or failed):
        return Result("ok", "TRaX accepts the key, and it may read everything.")
    detail = f"TRaX accepts the key. It may read {', '.join(may) or 'nothing'}."
    if lacks:
        detail += f" It lacks {', '.join(lacks)}."
    if unchecked:
        detail += f" Not checked without a studio: {', '.join(unchecked)}."
    if failed:
        detail += "".join(f" {scope} failed: {it.happened}." for scope, it in failed.items())
        return Result("failed", detail, _failed(next(iter(failed.values()))).remedy)
    if lacks:
        return Result("warning", detail, "If you need it, make a key that has it.")
    return Result("ok", detail)


def _failed(failure: TraxError, *, prefix: str = "") -> Result:
    """A failure's message without the advice to the caller of a tool."""
    remedy = _REMEDIES.get(failure.code, "Check TRAX_BASE_URL, then run trax-mcp contract check.")
    if (failure.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "Look again later."
    return Result("failed", f"{prefix}{failure.happened}.", remedy)


def _check_clients() -> Results:
    """The result for each client with a trax, or that cannot be read; one warning if none has."""
    read = [Configuration.read(it) for it in FILE_CLIENTS.values()]
    shown = [it for it in read if it.entry or not it.readable]
    if shown:
        return {it.client.name: _check_client(it) for it in shown}
    none = Result("warning", "No MCP client starts trax-mcp yet.", "Run trax-mcp install.")
    return {"clients": none}


def _check_client(configuration: Configuration) -> Result:
    path, client = _path(configuration), configuration.client
    install = f"trax-mcp install {client.name}"
    if not configuration.readable:
        return Result("failed", f"{path} {configuration.problem}.", "Correct it by hand.")
    if not _is_here(configuration):
        remedy = f"If it should be this one: {install}."
        return Result("warning", f"{path} starts another trax.", remedy)
    starts = f"{path} starts this installation"
    variables = _variables(configuration)
    if unknown := [name for name, it in variables.items() if has_placeholder(it)]:
        detail = f"{starts}. Only {client.title} can fill in {', '.join(unknown)}."
        return Result("not_checked", detail)
    try:
        settings = read_settings(variables)
        check_names(settings)
        has_key = access_of(settings).caller.key is not None
    except CannotStart as error:
        return Result("failed", f"{starts}, which then stops: {error}", "Correct it there.")
    if not has_key:
        detail = f"{starts}, but there is no key for it."
        return Result("warning", detail, f"Run {install}, which asks for one.")
    return Result("ok", f"{starts}{', on the sandbox' * settings.sandbox}.")


def _is_here(configuration: Configuration) -> bool:
    return starts_this_installation(configuration.entry)


def _variables(configuration: Configuration) -> Mapping[str, str]:
    """The variables that the client gives to the server that it starts."""
    is_on_sandbox = SANDBOX_SWITCH in configuration.entry.get("args", ())
    return configuration.environment | ({"TRAX_SANDBOX": "1"} if is_on_sandbox else {})


def _path(configuration: Configuration) -> str:
    return shorten(configuration.path or Path())


def _print_report(console: Console, results: Mapping[str, Result]) -> None:
    """Print every result, then the summary."""
    console.print()
    for name, result in results.items():
        mark, style = _MARKS[result.state]
        start = Text(f"  {mark:<3}", style)
        start.append(f"{name:<{_NAME_COLUMNS}}", "")
        # Paths and names may contain control characters.
        print_hanging(console, start, Text(escape_invisible(result.detail)))
        if result.remedy is not None:
            arrow = Text(" " * start.cell_len + "→ ")
            print_hanging(console, arrow, Text(escape_invisible(result.remedy)))
    console.print()
    print_hanging(console, Text("  "), _summary([it.state for it in results.values()]))
    console.print()


def _summary(states: list[State]) -> Text:
    if failed := states.count("failed"):
        one, many = "1 thing is not as it should be.", "things are not as they should be."
        return Text(one if failed == 1 else f"{failed} {many}", "bold red")
    if warnings := states.count("warning"):
        things = "1 thing" if warnings == 1 else f"{warnings} things"
        return Text(f"All is well, with {things} to know.", "bold green")
    return Text("All is well.", "bold green")
