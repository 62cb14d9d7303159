"""The questions that are kept, and how each changes: one step each, here and at all replicas."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace

from pydantic import SecretStr

from trax_mcp.actions.shown import Operations
from trax_mcp.api.caller import Caller
from trax_mcp.consent.calls import Channel, GuardedCall
from trax_mcp.consent.pacing import hurried_again
from trax_mcp.consent.questions import Question, QuestionState
from trax_mcp.consent.records import (
    GONE,
    Changes,
    Key,
    Records,
    Snapshot,
    keep,
    studio_in,
    take_step,
)


class QuestionRecords:
    """Questions, by their ids and by the calls that they are about."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def read(self, question_id: str, caller: Caller) -> QuestionState:
        """The caller's question of an id as it is now, whatever has become of it."""
        question_key = Key("question", question_id)
        snapshot = await self._records.read(question_key)
        question: Question | None = snapshot.values[question_key]
        if question is not None and question.is_used:  # then its sender may be lost
            studio_key = Key("studio", question.place)
            snapshot = await self._records.read(question_key, studio_key)
            question = snapshot.values[question_key]
            studio = studio_in(snapshot, studio_key)
            question = question and question.seen_in(studio, snapshot.now)
        is_theirs = question is not None and question.caller == caller.fingerprint
        return QuestionState(question if is_theirs else None, snapshot.now)

    async def open(
        self, question: Question, caller: Caller, *, channel: Channel, must_report: bool
    ) -> Question:
        """Let a panel or the page ask a question, and let the same call find it.

        Returns the question that is asked already about the same call, if there is one. A stop is
        asked about anew.
        """
        by_call, key = _by_call(question.operations, caller), Key("question", question.id)
        while True:
            earlier_id: str | None = (await self._records.read(by_call)).values[by_call]
            earlier = Key("question", earlier_id or "")
            seen = await self._records.read(by_call, earlier)
            if seen.values[by_call] != earlier_id:
                continue
            other: Question | None = seen.values[earlier]
            is_open = other and not other.is_stop and other.phase(seen.now) == "open"
            if other and is_open and not other.is_void_after(question.last_stop):
                changes: Changes = {key: GONE}
            else:
                other = replace(
                    question, channel=channel, must_report=must_report, asked_at=seen.now
                )
                changes = {**keep(key, other), **keep(by_call, question.id)}
            if await self._records.write(seen, changes):
                return other

    async def same_call(self, call: GuardedCall) -> QuestionState:
        """The latest question in a panel or on the page about the same call."""
        by_call = _by_call(call.operations, call.caller)
        question_id: str | None = (await self._records.read(by_call)).values[by_call]
        return await self.read(question_id or "", call.caller)

    async def change(
        self, question_id: str, change: Callable[[Question, float], Question | None]
    ) -> bool:
        """Change a question, which may be gone. Returns whether that changed anything."""
        question_key = Key("question", question_id)

        def apply(snapshot: Snapshot) -> tuple[bool, Changes]:
            question: Question | None = snapshot.values[question_key]
            after = question and change(question, snapshot.now)
            if after == question:
                return False, {}
            return True, {question_key: GONE} if after is None else keep(question_key, after)

        return await take_step(self._records, (question_key,), apply)

    async def note_hurry(self, question_id: str) -> bool:
        """A confirmation came too soon. True if that withdraws the question."""

        def note(question: Question, now: float) -> Question | None:
            if question.is_used:
                return question
            hurried = hurried_again(question.hurried, now)
            return None if hurried is None else replace(question, hurried=hurried)

        await self.change(question_id, note)
        key = Key("question", question_id)
        return (await self._records.read(key)).values[key] is None

    async def discard(self, question_id: str) -> None:
        """Forget a question that no call has used."""
        await self.change(question_id, lambda it, _: it if it.is_used else None)


def call_digest(operations: Operations, key: str) -> str:
    """A digest of a call with all its arguments. It reveals none of them, and differs by `key`."""
    content = json.dumps([[it.tool_name, it.arguments()] for it in operations], default=_reveal)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()


def _reveal(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _by_call(operations: Operations, caller: Caller) -> Key:
    return Key("call", call_digest(operations, f"{caller.key} {caller.fingerprint}"))
