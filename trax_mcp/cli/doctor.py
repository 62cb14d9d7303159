"""`trax-mcp doctor`: checks settings, key, TRaX and MCP clients, and says what to do.

A result has one sentence, and one remedy if there is something to do. No result contains a key.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

import anyio
from rich.console import Console
from rich.text import Text

from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.cli.doctor_questions import describe
from trax_mcp.cli.doctor_trax import CheckResult, CheckState, Results, check_trax
from trax_mcp.cli.install.clients import FILE_CLIENTS, McpClient
from trax_mcp.cli.install.configuration import (
    SANDBOX_SWITCH,
    Configuration,
    starts_this_installation,
)
from trax_mcp.cli.terminal import (
    console_on,
    print_hanging,
    waiting,
)
from trax_mcp.deployment import Access, access_of, client_for, enrolled_passkey
from trax_mcp.private_files import mcp_tokens, passkey_path, shorten, store_secret, store_url
from trax_mcp.settings import KEYS_SCREEN, VARIABLE_PREFIX, CannotStart, Settings, read_settings

_ENVIRONMENT: Final = "the environment"
_READABLE_BY_OTHERS: Final = 0o044
_NAME_COLUMNS: Final = 16
_MARKS: Final[Mapping[CheckState, tuple[str, str]]] = {
    "ok": ("✓", "bold green"),
    "failed": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "not_checked": ("·", "dim"),
}
"""A mark and its style."""


def run(client: McpClient | None, environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print the result of every check on stdout, with a remedy for each that needs one.

    With CLIENT, what that one would start is checked, with the settings in its configuration.

    Returns 1 if a check has failed, else 0. These are warnings, not failures: a scope that the key
    lacks, a key that others can read, an answer that is not as documented, a contract or a health
    that TRaX does not give, differences in the contract that break nothing, a client that starts
    something else or gives no key, no client at all.

    Changes nothing. TRaX gets a few reads, one after the other, each for at most
    TRAX_TIMEOUT_SECONDS, and up to three times where it is busy. `--json` prints one object:
    `{"ok", "checks": [{"name", "state", "detail", "remedy"?, "differences"?: [{"where", "what",
    "breaking"}]}]}`.
    """
    if client is None:
        results = _check(_ENVIRONMENT, environment) | _check_clients()
    else:
        results = _examine_client(client)
    is_well = all(it.state != "failed" for it in results.values())
    console = console_on(sys.stdout)
    if as_json:
        checks = [_as_json(name, it) for name, it in results.items()]
        console.print(json.dumps({"ok": is_well, "checks": checks}, indent=2), soft_wrap=True)
    else:
        _print_report(console, results)
    return 0 if is_well else 1


def _as_json(name: str, result: CheckResult) -> dict[str, object]:
    differences = [
        {"where": it.where, "what": it.what, "breaking": it.breaking} for it in result.differences
    ]
    row = {"name": name, **result._asdict(), "differences": differences}
    return {field: it for field, it in row.items() if it}


def _examine_client(client: McpClient) -> Results:
    configuration = Configuration.read(client)
    path, started = _path(configuration), _check_client(configuration)
    if not configuration.entry and configuration.readable:
        detail = f"{path} has no trax." if configuration.text else f"There's no {path}."
        remedy = f"Run trax-mcp install {client.name} to add trax-mcp."
        return {client.name: CheckResult("failed", detail, remedy)}
    if started.state in {"failed", "not_checked"} or not _is_here(configuration):
        return {client.name: CheckResult("failed", started.detail, started.remedy)}
    source, variables = f"{client.title}'s configuration", _variables(configuration)
    results = {client.name: started} | _check(source, variables)
    if results["settings"].state == "ok":
        described = describe(client, read_settings(variables))
        if described is not None:
            is_asked, detail, next_step = described
            results["questions"] = CheckResult("ok" if is_asked else "warning", detail, next_step)
    return results


def _check(source: str, variables: Mapping[str, str]) -> Results:
    """Check the settings in `variables`, their key and TRaX; `source` says who gives them.

    Settings, a key or a TRaX that failed are the last, since what follows needs them.
    """
    settings, result = _check_settings(source, variables)
    results = {"settings": result}
    if settings is None:
        return results
    if passkey := _check_passkey(settings):
        results["passkey"] = passkey
    access, key = _check_key(settings)
    results["key"] = key
    if access is not None:
        with waiting(console_on(sys.stderr), "Checking"):
            results |= anyio.run(_ask_trax, access)
    if (found := results["key"]).state == "failed":
        where = f" {key.detail}" if found is not key else ""
        remedy = _correct_key(source, settings) or found.remedy
        results["key"] = CheckResult("failed", f"{found.detail}{where}", remedy)
    return results


async def _ask_trax(access: Access) -> Results:
    settings = access.settings
    address = "The practice server" if settings.sandbox else settings.base_url
    async with aclosing(client_for(settings)) as client:
        return await check_trax(client, access.caller, address, read_only=settings.read_only)


def _check_settings(
    source: str, variables: Mapping[str, str]
) -> tuple[Settings | None, CheckResult]:
    """Read the settings; None if one is wrong."""
    try:
        settings = read_settings(variables)
        mcp_tokens(settings)
        if store_url(settings) is not None:
            store_secret(settings)
    except CannotStart as error:
        remedy = f"Correct it: settings are read from {source}."
        return None, CheckResult("failed", str(error), remedy)
    given = (name for name, value in variables.items() if value.strip())
    names = sorted(it for it in given if it.startswith(VARIABLE_PREFIX))
    listed = f"From {source}: {', '.join(names)}." if names else "Defaults."
    return settings, CheckResult("ok", listed)


def _check_key(settings: Settings) -> tuple[Access | None, CheckResult]:
    """Find the key, and the TRaX that it is for; None if there is none, or a wrong one."""
    hosted = settings.sign_in or settings.store_url or settings.store_url_file  # over HTTP alone
    if hosted and not (settings.api_key or settings.api_key_file):
        detail = "Each caller sends their own."
        return Access(settings, ANONYMOUS), CheckResult("not_checked", detail)
    try:
        access = access_of(settings)
    except CannotStart as error:
        remedy = "trax-mcp install CLIENT asks for another key."
        return None, CheckResult("failed", str(error), remedy)
    if settings.sandbox:
        return access, CheckResult("ok", "Practice studios bring their own.")
    if access.caller.key is None:
        remedy = f"Create one on {KEYS_SCREEN}, then run trax-mcp install CLIENT."
        return None, CheckResult("failed", "There isn't one.", remedy)
    where = f"It's in {shorten(access.file) if access.file else 'TRAX_API_KEY'}"
    is_open = access.file and os.name == "posix" and access.file.stat().st_mode
    if is_open and is_open & _READABLE_BY_OTHERS:
        detail = f"{where}, which others on this computer can read."
        return access, CheckResult("warning", detail, "Run chmod 600 on it.")
    return access, CheckResult("ok", f"{where}.")


def _correct_key(source: str, settings: Settings) -> str | None:
    """What to do about a wrong key where `install` doesn't help: a variable counts before it."""
    if source != _ENVIRONMENT or not (settings.api_key or settings.api_key_file):
        return None
    variable = "TRAX_API_KEY" if settings.api_key else "TRAX_API_KEY_FILE"
    return f"Correct or unset {variable}."


def _check_passkey(settings: Settings) -> CheckResult | None:
    """Whether a passkey is needed; None if there is none."""
    try:
        passkey = enrolled_passkey(settings)
    except CannotStart as error:
        return CheckResult("failed", str(error), "Correct that: until then, nothing starts.")
    where = shorten(passkey_path(settings))
    detail = f"Needed for every approval, but not to go offline. It's in {where}."
    return CheckResult("ok", detail) if passkey else None


def _check_clients() -> Results:
    """The result for each client with a trax, or that cannot be read; one warning if none has."""
    read = [Configuration.read(it) for it in FILE_CLIENTS.values()]
    shown = [it for it in read if it.entry or not it.readable]
    if shown:
        return {it.client.name: _check_client(it) for it in shown}
    none = CheckResult("warning", "No app starts trax-mcp yet.", "Run trax-mcp install.")
    return {"clients": none}


def _check_client(configuration: Configuration) -> CheckResult:
    path, client = _path(configuration), configuration.client
    install = f"trax-mcp install {client.name}"
    if not configuration.readable:
        return CheckResult("failed", f"{path} {configuration.problem}.", "Correct it by hand.")
    if not _is_here(configuration):
        remedy = f"If it should be this one: {install}."
        return CheckResult("warning", f"{path} starts another trax.", remedy)
    starts = f"{path} starts this installation"
    variables = _variables(configuration)
    if unknown := [name for name, it in variables.items() if "${" in it]:
        detail = f"{starts}. Only {client.title} can fill in {', '.join(unknown)}."
        return CheckResult("not_checked", detail)
    try:
        settings = read_settings(variables)
        has_key = access_of(settings).caller.key is not None
    except CannotStart as error:
        return CheckResult("failed", f"{starts}, which then stops: {error}", "Correct it there.")
    if not has_key:
        detail = f"{starts}, but there is no key for it."
        return CheckResult("warning", detail, f"Run {install}, which asks for one.")
    return CheckResult("ok", f"{starts}{', on practice studios' * settings.sandbox}.")


def _is_here(configuration: Configuration) -> bool:
    return starts_this_installation(configuration.entry)


def _variables(configuration: Configuration) -> Mapping[str, str]:
    """The variables that the client gives to the server that it starts."""
    is_on_sandbox = SANDBOX_SWITCH in configuration.entry.get("args", ())
    return configuration.environment | ({"TRAX_SANDBOX": "1"} if is_on_sandbox else {})


def _path(configuration: Configuration) -> str:
    return shorten(configuration.path or Path())


def _print_report(console: Console, results: Mapping[str, CheckResult]) -> None:
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


def _summary(states: list[CheckState]) -> Text:
    if failed := states.count("failed"):
        return Text(f"{failed} problem{'s' * (failed > 1)} found.", "bold red")
    if warnings := states.count("warning"):
        return Text(f"All good. {warnings} note{'s' * (warnings > 1)}.", "bold green")
    return Text("All good.", "bold green")
