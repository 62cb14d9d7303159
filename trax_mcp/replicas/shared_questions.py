"""The questions in panels, kept in the engine for all replicas.

A question is sealed with its ticket, which only the panel has, and kept under a hash of ticket and
caller. The ticket itself is kept for the same call of the same caller, sealed with their API key.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import store_unavailable
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation, plain_value
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import GuardedCall
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import call_digest
from trax_mcp.consent.question_state import QuestionState, merged
from trax_mcp.replicas.engine import TAG, Engine, Snapshot, Write
from trax_mcp.replicas.failures import EngineAway, Unreadable
from trax_mcp.replicas.records import Codec
from trax_mcp.sealing import hashed, seal, unseal

MAX_PER_CALLER: Final = 32
_KEPT_SECONDS: Final = LIFETIME_SECONDS + 60.0
"""As long as a question is open, and then until its outcome is no longer told."""
_KINDS: Final = {kind.tool_name: kind for kind in OPERATIONS}


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A question, and its call. The arguments hold secrets in plain text."""

    tool: str
    arguments: dict[str, Any] = field(repr=False)
    state: QuestionState

    @classmethod
    def of(cls, operation: Operation[Model], state: QuestionState) -> "StoredQuestion":
        """The question about an operation."""
        arguments = {name: plain_value(value) for name, value in operation.arguments().items()}
        return cls(operation.tool_name, arguments, state)

    def operation(self) -> Operation[Model]:
        """The operation that it asks about.

        Raises:
            ValidationError: the arguments are not valid here.
            KeyError: there is no such operation here.
        """
        return _KINDS[self.tool].model_validate(self.arguments)


QUESTIONS: Final = Codec(StoredQuestion)


class QuestionsOnEngine:
    """The `SharedQuestions` of an engine."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def add(self, ticket: str, call: GuardedCall, state: QuestionState) -> str:
        name, by_call = (
            _question_name(ticket, call.caller),
            _ticket_name(call.operation, call.caller),
        )
        try:
            while True:
                snapshot = await self._engine.read(name, by_call)
                earlier = _ticket(snapshot, call.caller, by_call)
                if earlier is not None and await self._is_open(earlier, call.caller):
                    return earlier
                ahead = snapshot.now - self._clock.seconds()
                stored = StoredQuestion.of(call.operation, state.shifted(ahead))
                if await self._write(snapshot, ticket, call, stored):
                    await self._count(name, call.caller)
                    return ticket
        except EngineAway:
            raise store_unavailable() from None

    async def merge(
        self, ticket: str, call: GuardedCall, state: QuestionState, *, may_add: bool
    ) -> QuestionState | None:
        name = _question_name(ticket, call.caller)
        try:
            while True:
                snapshot = await self._engine.read(name)
                ahead = snapshot.now - self._clock.seconds()
                kept, mine = _read(snapshot, ticket, name), state.shifted(ahead)
                if kept is None and not may_add:
                    return None
                together = merged(kept.state if kept else mine, mine, now=snapshot.now)
                stored = StoredQuestion.of(call.operation, together)
                if kept == stored or await self._write(snapshot, ticket, call, stored):
                    if kept is None:
                        await self._count(name, call.caller)
                    return together.shifted(-ahead)
        except EngineAway:
            raise store_unavailable() from None

    async def find(
        self, ticket: str, caller: Caller
    ) -> tuple[Operation[Model], QuestionState] | None:
        name = _question_name(ticket, caller)
        try:
            snapshot = await self._engine.read(name)
        except EngineAway:
            raise store_unavailable() from None
        kept = _read(snapshot, ticket, name)
        if kept is None:
            return None
        with suppress(ValidationError, KeyError):  # of a replica of another version
            return kept.operation(), kept.state.shifted(self._clock.seconds() - snapshot.now)
        return None

    async def find_ticket(self, operation: Operation[Model], caller: Caller) -> str | None:
        name = _ticket_name(operation, caller)
        try:
            return _ticket(await self._engine.read(name), caller, name)
        except EngineAway:
            raise store_unavailable() from None

    async def _write(
        self, snapshot: Snapshot, ticket: str, call: GuardedCall, stored: StoredQuestion
    ) -> bool:
        name = _question_name(ticket, call.caller)
        value = QUESTIONS.write(stored, secret=ticket, name=name)
        writes = {name: Write(value, _KEPT_SECONDS)}
        if snapshot.values[name] is None and call.caller.key is not None:
            by_call = _ticket_name(call.operation, call.caller)
            sealed = seal(ticket.encode(), secret=call.caller.key, name=by_call)
            writes[by_call] = Write(sealed, _KEPT_SECONDS)
        return await self._engine.write(snapshot, writes)

    async def _is_open(self, ticket: str, caller: Caller) -> bool:
        name = _question_name(ticket, caller)
        snapshot = await self._engine.read(name)
        kept = _read(snapshot, ticket, name)
        return kept is not None and merged(kept.state, kept.state, now=snapshot.now).rank == 0

    async def _count(self, name: str, caller: Caller) -> None:
        """Delete the oldest question of the caller over the limit."""
        group = f"{TAG}:group:{hashed('questions', caller.fingerprint)}"
        with suppress(EngineAway):  # the limit only saves memory
            await self._engine.limit(
                group, name, instead_of=group, most=MAX_PER_CALLER, seconds=_KEPT_SECONDS
            )


def _read(snapshot: Snapshot, ticket: str, name: str) -> StoredQuestion | None:
    with suppress(Unreadable):
        return QUESTIONS.read(snapshot.values[name], secret=ticket, name=name)
    return None


def _ticket(snapshot: Snapshot, caller: Caller, name: str) -> str | None:
    sealed = snapshot.values[name]
    opened = unseal(sealed, secret=caller.key, name=name) if sealed and caller.key else None
    return opened.decode() if opened else None


def _question_name(ticket: str, caller: Caller) -> str:
    return f"{TAG}:question:{hashed(ticket, caller.fingerprint)}"


def _ticket_name(operation: Operation[Model], caller: Caller) -> str:
    return f"{TAG}:asked:{call_digest(operation, caller.fingerprint)[:32]}"
