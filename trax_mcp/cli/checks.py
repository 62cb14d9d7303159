"""What doctor checks: from what was seen, what is well, what is not, and what to do about it.

Pure. Each check says one thing in one sentence, and where it is not well the one thing to do. It
knows neither how anything was seen nor how it is printed, and it repeats no key.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.cli.clients import CLIENTS, Client
from trax_mcp.cli.entries import ConfigState

LOCAL_REMOVAL: Final = "claude mcp remove trax --scope local"
_SHAPE: Final = re.compile(r"sk_live_[\w-]+", re.ASCII)


class State(StrEnum):
    """How a check has ended. Only FAILED means that not all is well."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked: `detail` is a sentence, `remedy` the one thing to do."""

    name: str
    state: State
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Checks that belong together."""

    title: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class StartCheck:
    """How a server would start with the settings of an entry: `problem` is why it would not.

    `handed_on` is why not where its client hands on the environment that there is here.
    """

    problem: str | None = None
    sandbox: bool = False
    key: bool = True
    handed_on: str | None = None


def is_well(checks: Iterable[Check]) -> bool:
    """Whether nothing has failed. Warnings and what could not be checked do not count."""
    return all(it.state is not State.FAILED for it in checks)


def judge_settings(problem: str | None, *, given_by: str, names: Sequence[str]) -> Check:
    """The settings, by the sentence that stops the start, and by who gives which."""
    if problem is not None:
        return Check("settings", State.FAILED, problem, "Correct it; README lists every setting.")
    told = ", ".join(names) or "none is set, so the defaults hold"
    return Check("settings", State.OK, f"Read from {given_by}: {told}.")


def judge_key(
    key: str | None, *, kept: str, problem: str | None = None, open_to_others: bool = False
) -> Check:
    """The key, by its shape. `kept` says where it is, `problem` why it cannot be sent at all."""
    if problem is not None:
        remedy = f"Put a key there: keys are made on {KEYS_SCREEN}."
        return Check("key", State.FAILED, problem, remedy)
    if key is None:
        remedy = f"Make one on {KEYS_SCREEN}, then run trax-mcp install CLIENT."
        return Check("key", State.FAILED, "There is none.", remedy)
    if open_to_others:
        detail = f"It is in {kept}, which others on this computer can read."
        return Check("key", State.WARNING, detail, "Run chmod 600 on it.")
    if _SHAPE.fullmatch(key):
        return Check("key", State.OK, f"It is in {kept}, and shaped as TRaX's keys are.")
    detail = f"It is in {kept}, but is not shaped as TRaX's keys are: sk_live_..."
    remedy = f"If TRaX does not accept it, make a new one on {KEYS_SCREEN}."
    return Check("key", State.WARNING, detail, remedy)


def judge_clients(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The clients that were found; that there is none is worth a word."""
    if found := tuple(checks):
        return found
    remedy = f"Run trax-mcp install CLIENT: {', '.join(CLIENTS)}."
    return (Check("clients", State.WARNING, "No MCP client's configuration was found.", remedy),)


def judge_project(client: Client, path: str, project: str, standing: ConfigState) -> Check:
    """An entry at `path` that counts in one project alone, whatever else is set up."""
    told = f"{path}, for {project} alone, starts"
    if standing is ConfigState.HERE:
        return Check(client.name, State.OK, f"{told} this installation.")
    remedy = f"If it should not: run {LOCAL_REMOVAL} in that folder."
    return Check(client.name, State.WARNING, f"{told} another trax.", remedy)


def judge_client(
    client: Client, path: str, standing: ConfigState, start: StartCheck, *, disabled: bool = False
) -> Check:
    """The configuration of a client, at `path`."""
    again = f"trax-mcp install {client.name}"
    if disabled and standing in {ConfigState.HERE, ConfigState.ELSEWHERE}:
        detail = f"{path} has a trax that is switched off."
        return Check(client.name, State.WARNING, detail, 'Take "disabled" out of it.')
    match standing:
        case ConfigState.HERE:
            return _started(client, path, start)
        case ConfigState.ELSEWHERE:
            detail, remedy = f"{path} starts another trax.", f"If it should be this one: {again}."
            return Check(client.name, State.WARNING, detail, remedy)
        case ConfigState.BROKEN:
            detail, remedy = f"{path} cannot be read.", f"Run {again}, which says what is wrong."
            return Check(client.name, State.FAILED, detail, remedy)
        case _:
            detail, remedy = f"{path} has no trax.", f"Run {again} to add it."
            return Check(client.name, State.NOT_CHECKED, detail, remedy)


def shorten(path: Path, *, home: Path) -> str:
    """A path as people write it, without the name of whose home it is."""
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def _started(client: Client, path: str, start: StartCheck) -> Check:
    told = f"{path} starts this installation"
    if start.problem is not None:
        detail = f"{told}, which then stops: {start.problem}"
        return Check(client.name, State.FAILED, detail, "Correct it there.")
    if start.handed_on is not None:
        detail = f"{told}, which stops if it gets this environment too: {start.handed_on}"
        remedy = f"Run trax-mcp install {client.name}, or correct the environment."
        return Check(client.name, State.WARNING, detail, remedy)
    if start.sandbox:
        return Check(client.name, State.OK, f"{told}, on the sandbox.")
    if not start.key:
        remedy = f"Run trax-mcp install {client.name}, which asks for one."
        return Check(client.name, State.WARNING, f"{told}, but gives it no key.", remedy)
    return Check(client.name, State.OK, f"{told}.")
