"""The checks of `trax-mcp doctor`: the settings, the key, TRaX, and what the key may do.

A result has one sentence, and one remedy if there is something to do. No result contains a key.
"""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.contract_diff import compare
from trax_mcp.api.error_texts import KEYS_SCREEN, WRITES_OFF
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.models import Health, Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    OPERATIONS,
    GetHealth,
    GetOpenapi,
    GetStreamStatus,
    ListChatMessages,
    ListConnections,
    ListDestinations,
    ListMedia,
    ListSources,
    ListStudios,
)
from trax_mcp.api.text_safety import quote
from trax_mcp.cli.client_factory import client_for
from trax_mcp.cli.setting_checks import REPLICAS_EXTRA, caller_of, check_names, sign_in_path
from trax_mcp.settings import VARIABLE_PREFIX, CannotStart, Settings, read_settings

AnswerT = TypeVar("AnswerT", bound=Model)
Read = type[Operation[Model]]

_KEY_FORM: Final = re.compile(r"sk_live_[\w-]+", re.ASCII)
_READABLE_BY_OTHERS: Final = 0o044
_MAX_STATUS: Final = 40
_SCOPE_READS: Final[tuple[Read, ...]] = (
    ListStudios,
    ListDestinations,
    ListSources,
    GetStreamStatus,
    ListChatMessages,
    ListConnections,
    ListMedia,
)
"""A read for each scope that reads need."""
_STORE_URL: Final = "TRAX_STORE_URL"
_SIGN_IN: Final = "TRAX_SIGN_IN"
_SIGN_IN_FILES: Final = ("TRAX_SIGN_IN_FILE", "TRAX_SIGN_IN_SECRET_FILE")
_SCOPE_NEEDS: Final = ("settings", "key", "reach", "access")
_REMEDIES: Final[Mapping[str, str]] = {
    "unreachable": "Check the network, TRAX_BASE_URL, and HTTPS_PROXY and SSL_CERT_FILE if set.",
    "timeout": "Look again later, or allow more time: TRAX_TIMEOUT_SECONDS.",
    "rate_limited": "Wait a little, then look again.",
    "invalid_key": f"Make a new key on {KEYS_SCREEN}.",
}


class State(StrEnum):
    """The state of what was checked. Only FAILED makes the command fail."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a check: `detail` is a sentence, `remedy` the one thing to do."""

    state: State
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A named check. It is skipped if one of those that it `needs` has failed or was skipped."""

    name: str
    run: Callable[[], Awaitable[Result]]
    needs: tuple[str, ...] = ()


class Examination:
    """The checks of the settings in `variables`. Each stores what later ones need.

    A check raises TraxError if a read fails. `source` says who gives the variables.
    """

    _settings: Settings
    _client: Client
    _caller: Caller
    _health: Health
    _studio_id: str | None = None

    def __init__(
        self, source: str, variables: Mapping[str, str], connections: AsyncExitStack
    ) -> None:
        self._source = source
        self._variables = variables
        self._connections = connections
        self.checks = (
            Check("settings", self._check_settings),
            Check("key", self._check_key, needs=("settings",)),
            Check("reach", self._check_reach, needs=("settings",)),
            Check("access", self._check_access, needs=("settings", "key", "reach")),
            Check("writes", self._check_writes, needs=("settings", "reach")),
            Check("contract", self._check_contract, needs=("settings", "reach")),
            *(
                Check(str(read.call.scope), partial(self._check_scope, read), needs=_SCOPE_NEEDS)
                for read in _SCOPE_READS
            ),
            Check("write scopes", self._list_write_scopes),
        )
        if variables.get(_STORE_URL, "").strip():
            self.checks += (Check("engine", self._check_engine, needs=("settings",)),)
        if any(variables.get(it, "").strip() for it in (_SIGN_IN, *_SIGN_IN_FILES)):
            self.checks += (Check("sign-in", self._check_sign_in, needs=("settings",)),)

    async def _check_settings(self) -> Result:
        try:
            self._settings = read_settings(self._variables)
            check_names(self._settings)
        except CannotStart as error:
            remedy = f"Correct it: settings are read from {self._source}."
            return Result(State.FAILED, str(error), remedy)
        client = aclosing(client_for(self._settings))
        self._client = await self._connections.enter_async_context(client)
        given = (name for name, value in self._variables.items() if value.strip())
        names = sorted(it for it in given if it.startswith(VARIABLE_PREFIX))
        listed = ", ".join(names) or "none is set, so the defaults hold"
        return Result(State.OK, f"Read from {self._source}: {listed}.")

    async def _check_key(self) -> Result:
        try:
            self._caller = caller_of(self._settings)
        except CannotStart as error:
            remedy = f"Put a key there: keys are made on {KEYS_SCREEN}."
            return Result(State.FAILED, str(error), remedy)
        if self._settings.sandbox:
            return Result(State.OK, "The sandbox brings its own.")
        if self._caller.key is None:
            return self._without_key()
        file = self._settings.api_key_file
        where = "It is in TRAX_API_KEY" if file is None else f"It is in {shorten(file)}"
        if file is not None and os.name == "posix" and file.stat().st_mode & _READABLE_BY_OTHERS:
            detail = f"{where}, which others on this computer can read."
            return Result(State.WARNING, detail, "Run chmod 600 on it.")
        if not _KEY_FORM.fullmatch(self._caller.key):
            detail = f"{where}, but is not shaped as TRaX's keys are: sk_live_..."
            remedy = f"If TRaX does not accept it, make a new one on {KEYS_SCREEN}."
            return Result(State.WARNING, detail, remedy)
        return Result(State.OK, f"{where}, and shaped as TRaX's keys are.")

    def _without_key(self) -> Result:
        if self._settings.sign_in or self._settings.store_url:  # both are for trax-mcp http alone
            return Result(State.NOT_CHECKED, "There is none: each caller sends their own.")
        remedy = f"Make one on {KEYS_SCREEN}, then run trax-mcp install CLIENT."
        return Result(State.FAILED, "There is none.", remedy)

    async def _check_reach(self) -> Result:
        sandbox, base_url = self._settings.sandbox, self._settings.base_url
        address = "The embedded sandbox" if sandbox else base_url
        try:
            self._health = await self._read(GetHealth())
        except TraxError as error:
            return failure_result(error.failure, prefix=f"At {address}: ")
        if self._health.status.lower() == "ok":
            return Result(State.OK, f"{address} answers.")
        status = quote(self._health.status, longest=_MAX_STATUS)
        detail = f"{address} answers, but says of itself {status}, not ok."
        return Result(State.WARNING, detail, "Look again later.")

    async def _check_access(self) -> Result:
        try:
            studios = (await self._read(ListStudios())).data
        except TraxError as error:
            if error.failure.code != "insufficient_scope":
                raise
        else:
            self._studio_id = studios[0].id if studios else None
        return Result(State.OK, "TRaX accepts the key.")

    async def _check_writes(self) -> Result:
        match self._health.write_enabled:
            case True:
                return Result(State.OK, "TRaX takes changes.")
            case False if self._settings.read_only:
                return Result(State.OK, f"{WRITES_OFF}; TRAX_READ_ONLY needs none.")
            case False:
                remedy = "Wait: no setting of yours changes that."
                return Result(State.FAILED, f"{WRITES_OFF}.", remedy)
            case _:
                return Result(State.NOT_CHECKED, "TRaX does not say whether it takes changes.")

    async def _check_contract(self) -> Result:
        live = (await self._read(GetOpenapi())).model_extra
        differences = compare(live, CONTRACT.document)
        if not differences:
            return Result(State.OK, f"It is the one that is built in ({CONTRACT.version}).")
        breaking = sum(it.breaking for it in differences)
        count = f"{len(differences)}, {breaking or 'none'} of them breaking"
        detail = f"Differences from the one that is built in ({CONTRACT.version}): {count}."
        remedy = "Run trax-mcp contract check, which lists them and says what to do."
        return Result(State.FAILED if breaking else State.WARNING, detail, remedy)

    async def _check_scope(self, read: Read) -> Result:
        arguments = {"studioId": self._studio_id} if "studio_id" in read.model_fields else {}
        try:
            await self._read(read.model_validate(arguments))
        except ValidationError:
            return Result(State.NOT_CHECKED, "Skipped: studios:read gives no usable studio.")
        except TraxError as error:
            lacking = error.failure.required_scope
            if lacking is None:
                raise
            detail = f"Refused: the key lacks {lacking}."
            return Result(State.WARNING, detail, "If you need it, make a key that has it.")
        return Result(State.OK, "Seen.")

    async def _list_write_scopes(self) -> Result:
        scopes = sorted({str(it.call.scope) for it in OPERATIONS if it.call.mutates})
        detail = f"Not tried, since only a change would show: {', '.join(scopes)}."
        return Result(State.NOT_CHECKED, detail)

    async def _check_engine(self) -> Result:
        try:
            from trax_mcp.replicas.engine_checks import UnfitEngine, describe_engine  # noqa: PLC0415  an extra
        except ModuleNotFoundError:
            return Result(State.FAILED, f"{_STORE_URL} needs an extra.", REPLICAS_EXTRA)
        try:
            engine = await describe_engine(self._variables[_STORE_URL].strip())
        except UnfitEngine as error:
            return Result(State.FAILED, error.what, error.remedy)
        if engine.uses_disk:
            detail = f"{engine.name} answers, but writes to a disk what it keeps."
            remedy = 'Set save "" and appendonly no there: forgetting is the safe failure.'
            return Result(State.WARNING, detail, remedy)
        return Result(State.OK, f"{engine.name} answers, and drops nothing that it keeps.")

    async def _check_sign_in(self) -> Result:
        from trax_mcp.cli.sign_in import count_sign_ins  # noqa: PLC0415  a part of its own

        if not self._settings.sign_in:
            unused = [it for it in _SIGN_IN_FILES if self._variables.get(it, "").strip()]
            if unused:
                detail = f"People cannot sign in, so {' and '.join(unused)} count for nothing."
                return Result(State.WARNING, detail, f"Set {_SIGN_IN}=1, or leave them out.")
            return Result(State.OK, "People cannot sign in.")
        try:
            count = count_sign_ins(self._settings)
        except CannotStart as error:
            return Result(State.FAILED, str(error), "Until then no server with it starts.")
        where = shorten(sign_in_path(self._settings))
        return Result(State.OK, f"Sign-ins that are kept in {where}: {count}.")

    async def _read(self, operation: Operation[AnswerT]) -> AnswerT:
        caller = ANONYMOUS if operation.call.public else self._caller
        return await self._client.call(operation, caller, retry=False)


def failure_result(failure: Failure, *, prefix: str = "") -> Result:
    """A failure's message without the advice to the caller of a tool."""
    remedy = _REMEDIES.get(failure.code, "Check TRAX_BASE_URL, then run trax-mcp contract check.")
    if (failure.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "Look again later."
    return Result(State.FAILED, f"{prefix}{failure.happened}.", remedy)


def shorten(path: Path) -> str:
    """A path with `~` in place of the home folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
