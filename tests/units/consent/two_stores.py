"""Two stores on the same records, as two replicas have, and what a test does with them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from tests.units.consent.asked_questions import preview_of
from trax_mcp.actions.destinations import DeleteDestination
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.consent.calls import Evidence, GuardedCall
from trax_mcp.consent.questions import outcome_in_words
from trax_mcp.consent.store import Seen, Store
from trax_mcp.studio.naming import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from trax_mcp.actions.change import Change
    from trax_mcp.api.errors import Outcome
    from trax_mcp.consent.calls import Channel
    from trax_mcp.consent.questions import Question
    from trax_mcp.consent.records import Key, Place, Records, Snapshot

GO_LIVE: Final = GoLive(studio_id="studio_42")
GO_OFFLINE: Final = GoOffline(studio_id="studio_42")
DELETE: Final = DeleteDestination(studio_id="studio_42", dest_id="dest_1")
OWNER: Final = Caller("sk_owner")
GUEST: Final = Caller("sk_guest")
"""TRaX has accepted the key, but not in this studio."""
ADDRESS: Final = "the address of source_1"
STOP: Final = "a stop's token"
SECOND_STOP: Final = "another stop's token"


class LaterRecords:
    """Records whose clock is `ahead`, as after some time."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.ahead = 0.0
        self.turn_seconds = records.turn_seconds
        self.is_shared = records.is_shared
        self.write = records.write
        self.changed = records.changed

    async def read(self, *keys: Key) -> Snapshot:
        seen = await self._records.read(*keys)
        return seen._replace(now=seen.now + self.ahead)


class End(Protocol):
    """Ends a call that has begun, and returns whether a stop has come since."""

    async def __call__(self, outcome: Outcome = "applied", *, starts: bool = True) -> bool: ...


class TwoStores:
    """The stores, and the keys that TRaX has accepted: both, and the owner's in the studio."""

    def __init__(self, records: Records) -> None:
        self.records = LaterRecords(records)
        self.keys = AcceptedKeys()
        self.keys.record_answer(GetStreamStatus(studio_id="studio_42"), OWNER)
        self.keys.record_answer(GetStreamStatus(studio_id="studio_1"), GUEST)
        self.here = Store(self.records, self.keys)
        self.there = Store(self.records, self.keys)
        self.stops = 0

    def pass_time(self, seconds: float) -> None:
        self.records.ahead += seconds

    def place(self, caller: Caller = OWNER) -> Place:
        return self.here.place(GuardedCall((GO_LIVE,), caller))

    def turn(
        self, store: Store | None = None, caller: Caller = OWNER
    ) -> AbstractAsyncContextManager[str]:
        return (store or self.here).turns.take(self.place(caller).own, caller.owner)

    async def look(
        self,
        question: Question | None = None,
        operation: Change[Any] = GO_LIVE,
        *,
        caller: Caller = OWNER,
        store: Store | None = None,
    ) -> Seen:
        """What a caller sees, by default here."""
        evidence = Evidence(confirmation=question.id if question else None)
        call = GuardedCall((operation,), caller, evidence)
        return await (store or self.here).look(self.place(caller), call)

    async def ask(
        self,
        operation: Change[Any] = GO_LIVE,
        *,
        caller: Caller = OWNER,
        channel: Literal["model", "form"] = "model",
        again: Question | None = None,
    ) -> Question:
        return await self.here.ask(
            self.place(caller),
            await self.look(caller=caller),
            GuardedCall((operation,), caller),
            preview_of(operation, digest="later" if again else "now"),
            channel=channel,
            again=again,
            changes=(say("New."),) if again else (),
        )

    async def begin(self, turn: str, question: Question | None, seen: Seen) -> bool:
        asked = question.id if question else None
        return await self.here.begin_call(self.place(), turn, asked, seen, starts=True)

    async def end(
        self,
        turn: str,
        question: Question | None,
        seen: Seen,
        outcome: Outcome = "applied",
        *,
        starts: bool = True,
    ) -> bool:
        """End a call that has changed the address of a source."""
        return await self.here.end_call(
            self.place(),
            turn,
            question.id if question else None,
            seen,
            outcome,
            words=outcome_in_words(outcome),
            go_live=outcome if starts else None,
            hidden={ADDRESS: "evil.example"},
            auto_go_live=None,
        )

    @asynccontextmanager
    async def sending(self, question: Question | None = None) -> AsyncIterator[End]:
        """A go-live that has begun, in its turn."""
        async with self.turn() as me:
            seen = await self.look(question)
            assert await self.begin(me, question, seen)
            yield partial(self.end, me, question, seen)

    async def stop(self, token: str = STOP, *, caller: Caller = OWNER) -> bool:
        """Begin a stop, at the other replica."""
        self.stops += 1
        return await self.there.begin_stop(self.place(caller), token, f"stop {self.stops}")

    async def end_stop(
        self,
        token: str = STOP,
        outcome: Outcome = "applied",
        *,
        caller: Caller = OWNER,
        is_stranger: bool = False,
    ) -> None:
        stop_id, place = f"stop {self.stops}", self.place(caller)
        await self.there.end_stop(place, token, stop_id, outcome, is_stranger=is_stranger)

    async def question(
        self, question: Question, *, caller: Caller = OWNER, store: Store | None = None
    ) -> Question | None:
        return (await (store or self.there).questions.read(question.id, caller)).question

    async def open(
        self, question: Question, channel: Channel = "panel", *, caller: Caller = OWNER
    ) -> Question:
        """Open a question in a panel or on a page."""
        return await self.here.questions.open(question, caller, channel=channel, must_report=False)

    async def same_call(
        self, operation: Change[Any] = GO_LIVE, caller: Caller = OWNER
    ) -> Question | None:
        """What the same call has asked before."""
        return (await self.there.questions.same_call(GuardedCall((operation,), caller))).question

    async def is_good(self, question: Question) -> bool:
        """Whether a yes to a question would still run the call."""
        kept = (await self.look(question, *question.operations)).question
        return kept is not None and not kept.is_used
