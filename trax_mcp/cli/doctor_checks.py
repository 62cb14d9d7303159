"""The checks of `trax-mcp doctor`, as pure functions from observations to checks.

A check has one sentence, and one remedy if there is something to do. No check contains a key.
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
_KEY_FORM: Final = re.compile(r"sk_live_[\w-]+", re.ASCII)


class State(StrEnum):
    """The result of a check. Only FAILED makes the command fail."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `detail` is a sentence, `remedy` the one thing to do."""

    name: str
    state: State
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Checks under one title."""

    title: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class StartCheck:
    """The result of starting a server with the settings of an entry; `problem` is its error.

    `inherited_problem` is the error if the client also passes this process's environment.
    """

    problem: str | None = None
    sandbox: bool = False
    key: bool = True
    inherited_problem: str | None = None


def is_well(checks: Iterable[Check]) -> bool:
    """Whether no check has failed."""
    return all(it.state is not State.FAILED for it in checks)


def judge_settings(problem: str | None, *, given_by: str, names: Sequence[str]) -> Check:
    """Judge the settings: `problem` is the error that prevents the start."""
    if problem is not None:
        return Check("settings", State.FAILED, problem, "Correct it; README lists every setting.")
    settings = ", ".join(names) or "none is set, so the defaults hold"
    return Check("settings", State.OK, f"Read from {given_by}: {settings}.")


def judge_key(
    key: str | None, *, location: str, problem: str | None = None, open_to_others: bool = False
) -> Check:
    """Judge the key by its form. `problem` is the reason that it cannot be sent."""
    if problem is not None:
        remedy = f"Put a key there: keys are made on {KEYS_SCREEN}."
        return Check("key", State.FAILED, problem, remedy)
    if key is None:
        remedy = f"Make one on {KEYS_SCREEN}, then run trax-mcp install CLIENT."
        return Check("key", State.FAILED, "There is none.", remedy)
    if open_to_others:
        detail = f"It is in {location}, which others on this computer can read."
        return Check("key", State.WARNING, detail, "Run chmod 600 on it.")
    if _KEY_FORM.fullmatch(key):
        return Check("key", State.OK, f"It is in {location}, and shaped as TRaX's keys are.")
    detail = f"It is in {location}, but is not shaped as TRaX's keys are: sk_live_..."
    remedy = f"If TRaX does not accept it, make a new one on {KEYS_SCREEN}."
    return Check("key", State.WARNING, detail, remedy)


def judge_clients(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks of the clients, or a warning if there are none."""
    if client_checks := tuple(checks):
        return client_checks
    remedy = f"Run trax-mcp install CLIENT: {', '.join(CLIENTS)}."
    return (Check("clients", State.WARNING, "No MCP client's configuration was found.", remedy),)


def judge_project(client: Client, path: str, project: str, state: ConfigState) -> Check:
    """Judge an entry at `path` that applies in one project only."""
    subject = f"{path}, for {project} alone, starts"
    if state is ConfigState.HERE:
        return Check(client.name, State.OK, f"{subject} this installation.")
    remedy = f"If it should not: run {LOCAL_REMOVAL} in that folder."
    return Check(client.name, State.WARNING, f"{subject} another trax.", remedy)


def judge_client(
    client: Client, path: str, state: ConfigState, start: StartCheck, *, disabled: bool = False
) -> Check:
    """Judge the configuration of a client, at `path`."""
    install = f"trax-mcp install {client.name}"
    if disabled and state in {ConfigState.HERE, ConfigState.ELSEWHERE}:
        detail = f"{path} has a trax that is switched off."
        return Check(client.name, State.WARNING, detail, 'Take "disabled" out of it.')
    match state:
        case ConfigState.HERE:
            return _judge_start(client, path, start)
        case ConfigState.ELSEWHERE:
            detail, remedy = f"{path} starts another trax.", f"If it should be this one: {install}."
            return Check(client.name, State.WARNING, detail, remedy)
        case ConfigState.BROKEN:
            detail, remedy = f"{path} cannot be read.", f"Run {install}, which says what is wrong."
            return Check(client.name, State.FAILED, detail, remedy)
        case _:
            detail, remedy = f"{path} has no trax.", f"Run {install} to add it."
            return Check(client.name, State.NOT_CHECKED, detail, remedy)


def shorten(path: Path, *, home: Path) -> str:
    """A path with `~` in place of the home folder."""
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def _judge_start(client: Client, path: str, start: StartCheck) -> Check:
    subject = f"{path} starts this installation"
    if start.problem is not None:
        detail = f"{subject}, which then stops: {start.problem}"
        return Check(client.name, State.FAILED, detail, "Correct it there.")
    if start.inherited_problem is not None:
        detail = (
            f"{subject}, which stops if it gets this environment too: {start.inherited_problem}"
        )
        remedy = f"Run trax-mcp install {client.name}, or correct the environment."
        return Check(client.name, State.WARNING, detail, remedy)
    if start.sandbox:
        return Check(client.name, State.OK, f"{subject}, on the sandbox.")
    if not start.key:
        remedy = f"Run trax-mcp install {client.name}, which asks for one."
        return Check(client.name, State.WARNING, f"{subject}, but gives it no key.", remedy)
    return Check(client.name, State.OK, f"{subject}.")
