"""Doctor's checks of the MCP clients on this computer, and the settings that they give.

After `trax-mcp install`, the client's entry has the key and the user's shell does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trax_mcp.cli.doctor.checks import Result, State, shorten
from trax_mcp.cli.doctor.configured_clients import ConfigState, ConfiguredClient
from trax_mcp.cli.install.clients import CLIENTS
from trax_mcp.cli.install.entry_settings import has_placeholder

_KEYS: Final = ("TRAX_API_KEY", "TRAX_API_KEY_FILE")
_ACCESS_SETTINGS: Final = (*_KEYS, "TRAX_BASE_URL", "TRAX_SANDBOX")
"""The settings that choose the TRaX and the key."""


def choose_settings(
    environment: Mapping[str, str], clients: Iterable[ConfiguredClient]
) -> tuple[str, Mapping[str, str]]:
    """The variables to check, after the name of their source.

    If the environment chooses no TRaX and no key, a client's settings are added: those of the first
    one that gives a key, or else of the first. The key and the address always have one source, so
    that a key is never sent to the address of another source. Entries with placeholders do not
    count, because only the client can fill these in.
    """
    starting = (it for it in clients if it.state is ConfigState.HERE)
    given = [(it.client.title, it.variables) for it in starting]
    usable = [it for it in given if not any(map(has_placeholder, it[1].values()))]
    if not usable or any(environment.get(name, "").strip() for name in _ACCESS_SETTINGS):
        return "the environment", environment
    title, values = min(usable, key=lambda it: not _gives_key(it[1]))
    return f"the environment and {title}'s configuration", {**environment, **values}


def check_clients(clients: Sequence[ConfiguredClient]) -> dict[str, Result]:
    """The result for each client with a trax, or that cannot be read; one warning if none has."""
    shown = [it for it in clients if it.state is not ConfigState.WITHOUT]
    if shown:
        return {it.client.name: _check_client(it) for it in shown}
    remedy = f"Run trax-mcp install CLIENT: {', '.join(CLIENTS)}."
    return {"clients": Result(State.WARNING, "No MCP client starts trax-mcp yet.", remedy)}


def check_started(configured: ConfiguredClient) -> Result:
    """The result for a client that should start this installation: failed if it does not."""
    path, install = shorten(configured.path), f"trax-mcp install {configured.client.name}"
    result = _check_client(configured)
    open_names = [name for name, it in configured.variables.items() if has_placeholder(it)]
    match configured.state:
        case ConfigState.WITHOUT:
            detail = f"{path} has no trax." if configured.path.exists() else f"{path} is not there."
            return Result(State.FAILED, detail, f"Run {install} to add trax-mcp.")
        case ConfigState.HERE if open_names:
            detail = f"Only {configured.client.title} can fill in {', '.join(open_names)}."
            remedy = "Run trax-mcp doctor with these in its environment."
            return Result(State.FAILED, f"{result.detail} {detail}", remedy)
        case ConfigState.HERE:
            return result
        case _:
            return Result(State.FAILED, result.detail, result.remedy)


def _check_client(configured: ConfiguredClient) -> Result:
    path, install = shorten(configured.path), f"trax-mcp install {configured.client.name}"
    given = configured.variables
    match configured.state:
        case ConfigState.HERE if given.get("TRAX_SANDBOX"):
            return Result(State.OK, f"{path} starts this installation, on the sandbox.")
        case ConfigState.HERE if _gives_key(given):
            return Result(State.OK, f"{path} starts this installation.")
        case ConfigState.HERE:
            detail = f"{path} starts this installation, but gives it no key."
            return Result(State.WARNING, detail, f"Run {install}, which asks for one.")
        case ConfigState.BROKEN:
            remedy = f"Run {install}, which says what is wrong."
            return Result(State.FAILED, f"{path} cannot be read.", remedy)
        case _:
            remedy = f"If it should be this one: {install}."
            return Result(State.WARNING, f"{path} starts another trax.", remedy)


def _gives_key(values: Mapping[str, str]) -> bool:
    return not values.get("TRAX_SANDBOX") and any(values.get(name) for name in _KEYS)
