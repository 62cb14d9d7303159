"""The steps of consent: each reads, decides, and writes; again if something came between.

Decisions are pure Python. So a step is atomic, in the memory of one process as over replicas.
"""

import hashlib
import hmac
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeVar
from weakref import WeakValueDictionary

import anyio
from pydantic import SecretStr

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.evidence import Channel
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.questions import (
    IN_PROGRESS,
    NOT_KNOWN,
    PENDING_SECONDS,
    QUESTION_SECONDS,
    Question,
    Studio,
    Turn,
    outcome_in_words,
)
from trax_mcp.consent.records import Away, Changes, Key, Records, Snapshot

DECLINED_SECONDS: Final = 60.0
"""How long a person who said no is not asked about the same call again."""
MAX_QUESTIONS: Final = 64
"""The most questions of one owner. One more removes the oldest."""
_STUDIO_SECONDS: Final = 3600.0
_LONG_SECONDS: Final = 24 * 3600.0
"""How long a studio is remembered of which there is something to tell before it goes on air."""
_KEPT_SECONDS: Final = QUESTION_SECONDS + 60.0
"""As long as a question is open, and then until its outcome is no longer told."""
_BEAT_SECONDS: Final = 0.5
"""How often turns are renewed, where replicas share them."""

_LOG = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")
Step = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a caller's calls run one after another: a studio, or the target without one.

    All callers whose key TRaX has accepted there (`has_access`) share it. Every other caller has a
    place of their own, so that they cannot delay or change the calls of others. Limits count a
    caller as `owner`.
    """

    id: str
    caller: str
    owner: str
    has_access: bool

    @property
    def key(self) -> Key:
        """Where the caller acts."""
        return self.shared if self.has_access else Key("studio", f"{self.id} {self.caller}")

    @property
    def shared(self) -> Key:
        """Where callers with access act."""
        return Key("studio", self.id)

    @property
    def access(self) -> Key:
        """Whether TRaX has accepted the caller's key there, as all replicas know."""
        return Key("access", f"{self.id} {self.caller}")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a call sees before it reads facts. Times are seconds on the clock of the records.

    `last_stops` are the last stops where the caller acts, and where those with access act.
    """

    studio: Studio
    last_stops: tuple[str, str]
    question: Question | None
    now: float
    declined_seconds: float | None = None

    @property
    def go_live_pending(self) -> bool:
        """Whether a go-live is being sent, or may still take effect."""
        return self.studio.starting_until > self.now


class Store:
    """What is remembered of studios and questions, in these records."""

    def __init__(self, records: Records, keys: AcceptedKeys, clock: Clock) -> None:
        self.records = records
        self._keys = keys
        self._clock = clock
        self._held: dict[str, Place] = {}
        self._later: deque[Step] = deque()
        self._locks: WeakValueDictionary[tuple[Key, str], anyio.Lock] = WeakValueDictionary()

    def place_here(self, operation: Operation[Model], caller: Caller) -> Place:
        """The place of a call, by what TRaX has accepted of the caller in this process."""
        studio_id = operation.studio()
        return Place(
            id=studio_id or operation.target_id(),
            caller=caller.fingerprint,
            owner=self._keys.owner(caller),
            has_access=bool(studio_id) and self._keys.may_change(caller, studio_id),
        )

    async def place(self, operation: Operation[Model], caller: Caller) -> Place:
        """The place of a call, by what TRaX has accepted of the caller at any replica."""
        place = self.place_here(operation, caller)
        is_known_here = self._keys.has_access(caller, place.id)
        if operation.studio() and not is_known_here and self.records.is_shared:
            seen = await self.records.read(place.access)
            is_known = seen.values[place.access] is not None
            return replace(place, has_access=is_known, owner=caller.owner) if is_known else place
        return place

    @asynccontextmanager
    async def turn(self, place: Place) -> AsyncIterator[str]:
        """Wait for the turn at a place, and have it. A stop can take it away at any time.

        Of each key one call waits, so that a key with many calls does not keep others waiting.
        """
        call = secrets.token_hex(8)

        def take(seen: Snapshot) -> tuple[bool, Changes]:
            studio = _studio(seen, place.key)
            if studio.turn is not None and studio.turn.until > seen.now:
                return False, {}
            turn = Turn(call, seen.now + self.records.turn_seconds)
            return True, _kept(place.key, replace(studio, turn=turn))

        async with self._lock(place, place.owner), self._lock(place, ""):
            while not await self._step((place.key,), take):
                await self.records.changed(place.key)
            async with self.keeping(place, call):
                yield call

    @asynccontextmanager
    async def keeping(self, place: Place, call: str) -> AsyncIterator[None]:
        """Keep the turn of a call until the block ends, unless a stop takes it."""

        def give_back(seen: Snapshot) -> tuple[None, Changes]:
            studio = _studio(seen, place.key)
            after = studio.without_turn(call)
            return None, {} if after == studio else _kept(place.key, after)

        self._held[call] = place
        try:
            yield
        finally:
            del self._held[call]
            with anyio.CancelScope(shield=True), suppress(Away):
                await self._step((place.key,), give_back)

    async def look(
        self,
        place: Place,
        question_id: str | None,
        operation: Operation[Model],
        caller: Caller,
        *,
        who: str | None = None,
    ) -> Seen:
        """Look at a place, at the caller's question of that id, and at any recent no.

        Of a person who is named (`who`), or of callers that name none.
        """
        asked, declined = Key("question", question_id or ""), _declined(operation, caller, who)
        seen = await self.records.read(place.key, place.shared, asked, declined)
        studio, until = _studio(seen, place.key), seen.values[declined]
        return Seen(
            studio=studio,
            last_stops=_last_stops(seen, place),
            question=self._question(seen, asked, place, studio),
            now=seen.now,
            declined_seconds=None if until is None else until - seen.now,
        )

    async def question(self, question_id: str, caller: Caller) -> Question | None:
        """The caller's question of an id, whatever has become of it."""
        key = Key("question", question_id)
        question: Question | None = (await self.records.read(key)).values[key]
        return question if question and question.caller == caller.fingerprint else None

    async def ask(
        self,
        place: Place,
        seen: Seen,
        operation: Operation[Model],
        preview: Preview,
        *,
        channel: Literal["model", "form"],
        again: Question | None = None,
        changes: tuple[str, ...] = (),
    ) -> Question:
        """Keep a question under a new id that cannot be guessed, or `again` under its own.

        Another question of the same owner may be removed.
        """
        room = Key("room", place.owner)
        question_id = again.id if again else secrets.token_urlsafe(16)
        expires_at = self._clock.now() + timedelta(seconds=QUESTION_SECONDS)

        def keep(now: Snapshot) -> tuple[Question, Changes]:
            question = Question(
                id=question_id,
                caller=place.caller,
                owner=place.owner,
                operation=operation,
                channel=again.channel if again else channel,
                preview=preview,
                changes=changes,
                last_stop=seen.studio.last_stop,
                hidden=seen.studio.hidden,
                asked_at=now.now,
                expires_at=expires_at,
                number=again.number + 1 if again else 1,
                must_report=again is not None and again.must_report,
            )
            ids = [it for it in now.values[room] or () if it != question_id]
            kept, removed = ids[-MAX_QUESTIONS + 1 :], ids[: -MAX_QUESTIONS + 1]
            return question, {
                Key("question", question_id): (question, _KEPT_SECONDS),
                room: ((*kept, question_id), _KEPT_SECONDS),
                **{Key("question", it): (None, 0.0) for it in removed},
                **self._access(place),
            }

        return await self._step((room,), keep)

    async def begin(
        self, place: Place, call: str, question_id: str | None, seen: Seen, *, starts: bool
    ) -> bool:
        """Use a yes, and let the call be sent.

        False if a stop came since `seen`, or the yes or the turn is gone.
        """
        asked = Key("question", question_id or "")

        def use(now: Snapshot) -> tuple[bool, Changes]:
            studio, question = _studio(now, place.key), now.values[asked]
            has_turn = studio.turn is not None and studio.turn.call == call
            if not has_turn or _last_stops(now, place) != seen.last_stops:
                return False, {}
            if question_id is not None and (question is None or question.is_used):
                return False, {}
            turn = Turn(call, now.now + self.records.turn_seconds, sends_go_live=starts)
            starting = now.now + PENDING_SECONDS if starts else studio.starting_until
            studio = replace(studio, turn=turn, starting_until=starting)
            used = _kept(asked, replace(question, sender=call, used_at=now.now)) if question else {}
            return True, {**_kept(place.key, studio), **used, **self._access(place)}

        return await self._step((place.key, place.shared, asked), use)

    async def finish(
        self,
        place: Place,
        call: str,
        question_id: str | None,
        seen: Seen,
        outcome: Outcome,
        *,
        accepted: Place,
        starts: bool = False,
        hidden: Mapping[str, str] | None = None,
        auto_go_live: bool | None = None,
    ) -> bool:
        """End a call. Its yes is given back if it was certainly not applied.

        It takes effect where the caller acts now: TRaX may have `accepted` them meanwhile. True if
        a stop has come since `seen`: TRaX may have got that one first.
        """
        asked, done = Key("question", question_id or ""), outcome != "not_applied"

        def end(now: Snapshot) -> tuple[bool, Changes]:
            came = _last_stops(now, place) != seen.last_stops
            began, here = _studio(now, place.key), _studio(now, accepted.key)
            is_own = began.turn is not None and began.turn.call == call
            if starts and (done or is_own):  # else it did not begin, and the mark is another's
                pending = now.now + PENDING_SECONDS if done and not came else 0.0
                here = replace(here, starting_until=pending)
                began = began if done else replace(began, starting_until=0.0)
            if starts and outcome == "applied":
                here = replace(here, changed_to={})
            if done:
                here = here.with_hidden(hidden or {})
            if auto_go_live is not None:
                here = replace(here, auto_go_live=auto_go_live)
            changes = {**_kept(place.key, began.without_turn(call))}
            changes |= _kept(accepted.key, here.without_turn(call))
            question: Question | None = now.values[asked]
            if question and question.sender == call:
                words = outcome_in_words(outcome) if done else None
                if not done:
                    question = replace(question, sender=None, used_at=None)
                changes |= _kept(asked, replace(question, outcome=words))
            return came, {**changes, **self._access(accepted)}

        return await self._step((place.key, place.shared, accepted.key, asked), end)

    async def record(
        self, place: Place, question_id: str | None, seen: Seen, outcome: str, *, on_air: bool
    ) -> None:
        """Keep the outcome of a call in words. `on_air`: its go-live was seen on air."""
        asked = Key("question", question_id or "")

        def note(now: Snapshot) -> tuple[None, Changes]:
            studio, question = _studio(now, place.key), now.values[asked]
            changes: Changes = {}
            if question is not None and question.is_used:
                changes = _kept(asked, replace(question, outcome=outcome))
            if on_air and _last_stops(now, place) == seen.last_stops:
                changes = {**changes, **_kept(place.key, replace(studio, starting_until=0.0))}
            return None, changes

        await self._step((place.key, place.shared, asked), note)

    async def record_on_air(self, place: Place, seen: Seen) -> None:
        """A studio was seen on air: no go-live is pending there, unless one began meanwhile."""

        def note(now: Snapshot) -> tuple[None, Changes]:
            studio = _studio(now, place.key)
            if studio.starting_until != seen.studio.starting_until:
                return None, {}
            return None, _kept(place.key, replace(studio, starting_until=0.0))

        await self._step((place.key,), note)

    async def discard(self, question_id: str) -> None:
        """Forget a question that no call has used."""
        await self.change(question_id, lambda it, _: None if not it.is_used else it)

    async def decline(
        self,
        question: Question,
        operation: Operation[Model],
        caller: Caller,
        *,
        who: str | None = None,
    ) -> None:
        """Forget a question: a person said no, and is not asked about it again for a while."""
        asked, declined = Key("question", question.id), _declined(operation, caller, who)

        def note(now: Snapshot) -> tuple[None, Changes]:
            until = now.now + DECLINED_SECONDS
            kept: Question | None = now.values[asked]
            is_elsewhere = question.channel in {"panel", "page"}  # they show what came of it
            is_gone = kept is not None and not kept.is_used and not is_elsewhere
            gone: Changes = {asked: (None, 0.0)} if is_gone else {}
            return None, {**gone, declined: (until, DECLINED_SECONDS)}

        await self._step((asked,), note)

    # Stops

    async def stop_outcome(self, token: str) -> str | None:
        """What came of the stop that used this yes, in words. None if none did."""
        key = Key("stop", token)
        used: str | None = (await self.records.read(key)).values[key]
        return used

    async def wait_for_go_live(self, place: Place) -> None:
        """Wait until no go-live is being sent at a place."""
        while True:
            seen = await self.records.read(place.key)
            studio = _studio(seen, place.key)
            if not studio.is_sending_go_live or _has_ended(studio, seen.now):
                return
            await self.records.changed(place.key)

    async def stop(self, place: Place, token: str) -> bool:
        """Begin a stop, once: it voids every earlier yes, and takes the turn from whoever has it.

        False if its yes was used.
        """
        used, name = Key("stop", token), secrets.token_hex(8)

        def begin(now: Snapshot) -> tuple[bool, Changes]:
            if now.values[used] is not None:
                return False, {}
            turn = Turn(token, now.now + self.records.turn_seconds)
            studio = replace(_studio(now, place.key), last_stop=name, turn=turn)
            return True, {**_kept(place.key, studio), used: (IN_PROGRESS, _KEPT_SECONDS)}

        return await self._step((place.key, used), begin)

    async def end_stop(
        self, place: Place, token: str, outcome: Outcome, *, accepted: Place
    ) -> None:
        """End a stop. It counts where the caller acts now. Its yes is given back if refused."""
        used, name = Key("stop", token), secrets.token_hex(8)

        def end(now: Snapshot) -> tuple[None, Changes]:
            changes: Changes = {used: (None, 0.0)}
            if outcome != "not_applied":
                changes = {used: (outcome_in_words(outcome), _KEPT_SECONDS)}
            for key in {place.key, accepted.key if outcome != "not_applied" else place.key}:
                studio = _studio(now, key).without_turn(token)
                starting = 0.0 if outcome == "applied" else studio.starting_until
                last_stop = studio.last_stop if key == place.key else name
                studio = replace(studio, last_stop=last_stop, starting_until=starting)
                changes = {**changes, **_kept(key, studio)}
            return None, changes

        await self._step((place.key, accepted.key, used), end)

    async def record_stop(self, token: str, outcome: str) -> None:
        """Keep the outcome of a stop in words."""
        used = Key("stop", token)

        def note(now: Snapshot) -> tuple[None, Changes]:
            return None, {used: (outcome, _KEPT_SECONDS)} if now.values[used] is not None else {}

        await self._step((used,), note)

    async def wait_for_stop(self, place: Place, seen: Seen) -> None:
        """Wait until a stop has come since `seen`."""
        while True:
            with suppress(Away):  # it may be back soon
                now = await self.records.read(place.key, place.shared)
                if _last_stops(now, place) != seen.last_stops:
                    return
            await self.records.changed(place.key, place.shared)

    # Questions outside of the call that asks

    async def open(
        self, question: Question, caller: Caller, *, channel: Channel, must_report: bool
    ) -> Question:
        """Let a panel or the page ask a question, and let the same call find it.

        Returns the question that is asked already about the same call, if there is one.
        """
        by_call, key = _asked(question.operation, caller), Key("question", question.id)
        while True:
            earlier_id: str | None = (await self.records.read(by_call)).values[by_call]
            earlier = Key("question", earlier_id or "")
            seen = await self.records.read(by_call, earlier)
            if seen.values[by_call] != earlier_id:
                continue
            other: Question | None = seen.values[earlier]
            if other and other.stop_token is None and other.phase(seen.now) == "open":
                changes: Changes = {key: (None, 0.0)}
            else:
                other = replace(
                    question, channel=channel, must_report=must_report, asked_at=seen.now
                )
                changes = {key: (other, _KEPT_SECONDS), by_call: (question.id, _KEPT_SECONDS)}
            if await self.records.write(seen, changes):
                return other

    async def ask_about_stop(
        self, operation: Operation[Model], caller: Caller, preview: Preview, token: str
    ) -> Question:
        """A question about a stop, which is not kept yet: its yes is the token."""
        place = await self.place(operation, caller)
        return Question(
            id=secrets.token_urlsafe(16),
            caller=caller.fingerprint,
            owner=place.owner,
            operation=operation,
            channel="form",
            preview=preview,
            last_stop="",
            asked_at=0.0,
            expires_at=self._clock.now() + timedelta(seconds=QUESTION_SECONDS),
            stop_token=token,
        )

    async def same_call(self, operation: Operation[Model], caller: Caller) -> Question | None:
        """The latest question in a panel or on the page about the same call."""
        by_call = _asked(operation, caller)
        question_id: str | None = (await self.records.read(by_call)).values[by_call]
        return await self.question(question_id, caller) if question_id else None

    async def now(self) -> float:
        """The time on the clock of the records, in seconds."""
        return (await self.records.read()).now

    async def change(
        self, question_id: str, change: Callable[[Question, float], Question | None]
    ) -> Question | None:
        """Change a question. Returns it as it is then; None if it is gone."""
        key = Key("question", question_id)

        def apply(now: Snapshot) -> tuple[Question | None, Changes]:
            question: Question | None = now.values[key]
            if question is None:
                return None, {}
            after = change(question, now.now)
            if after == question:
                return after, {}
            return after, {key: (None, 0.0)} if after is None else _kept(key, after)

        return await self._step((key,), apply)

    async def question_changed(self, *question_ids: str) -> None:
        """Wait until one of these questions may have changed."""
        await self.records.changed(*(Key("question", it) for it in question_ids))

    # The engine

    async def now_or_later(
        self, step: Callable[[], Awaitable[ResultT]], *, seconds: float | None = None
    ) -> ResultT | None:
        """Take a step now, or as soon as the engine answers. None if later."""
        with anyio.move_on_after(seconds), suppress(Away):
            return await step()
        self.take_later(step)
        return None

    def take_later(self, step: Step) -> None:
        """Take a step as soon as the engine answers."""
        self._later.append(step)

    async def watch(self) -> None:
        """Renew the turns of this replica, and take the steps that others have still to learn of.

        It never ends. It is needed only where replicas share the records.
        """
        while True:
            with suppress(Away):
                await self.records.read()  # to notice an engine that is away, or back
                for call, place in tuple(self._held.items()):
                    await self._renew(place, call)
                while self._later:
                    await self._take(self._later[0])
                    self._later.popleft()
            await anyio.sleep(_BEAT_SECONDS)

    async def _take(self, step: Step) -> None:
        """Take a step that had to wait. A bug in one must not end the server, and with it stops."""
        try:
            await step()
        except Away:
            raise
        except Exception:  # noqa: BLE001  see above
            _LOG.exception("a step that waited for the engine failed")

    async def _renew(self, place: Place, call: str) -> None:
        def renew(now: Snapshot) -> tuple[None, Changes]:
            studio = _studio(now, place.key)
            if studio.turn is None or studio.turn.call != call:
                return None, {}
            turn = replace(studio.turn, until=now.now + self.records.turn_seconds)
            return None, _kept(place.key, replace(studio, turn=turn))

        await self._step((place.key,), renew)

    async def _step(
        self, keys: tuple[Key, ...], change: Callable[[Snapshot], tuple[ResultT, Changes]]
    ) -> ResultT:
        """Read, decide, and write; again if something came between. `change` is pure."""
        while True:
            seen = await self.records.read(*dict.fromkeys(keys))
            result, changes = change(seen)
            if not changes or await self.records.write(seen, changes):
                return result

    def _question(self, seen: Snapshot, key: Key, place: Place, studio: Studio) -> Question | None:
        """The question as it is for its caller. None if it is void."""
        question: Question | None = seen.values[key]
        if question is None or question.caller != place.caller:
            return None
        if question.is_used:
            is_sending = not self.records.is_shared or (
                studio.turn is not None and studio.turn.call == question.sender
            )
            progress = IN_PROGRESS if is_sending else NOT_KNOWN
            return replace(question, outcome=question.outcome or progress)
        is_void = question.is_void_after(studio.last_stop)
        is_open = question.phase(seen.now) == "open" and self._clock.now() < question.expires_at
        return question if is_open and not is_void else None

    def _access(self, place: Place) -> Changes:
        """Tell the other replicas that TRaX has accepted the caller's key there."""
        is_news = place.has_access and self.records.is_shared
        return {place.access: (True, _STUDIO_SECONDS)} if is_news else {}

    def _lock(self, place: Place, owner: str) -> anyio.Lock:
        key = (place.key, owner)
        if (lock := self._locks.get(key)) is None:
            lock = self._locks[key] = anyio.Lock()
        return lock


def call_digest(operation: Operation[Model], key: str) -> str:
    """A digest of a call with all its arguments. It reveals none of them, and differs by `key`."""
    content = json.dumps([operation.tool_name, operation.arguments()], default=_reveal)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()


def _reveal(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _studio(seen: Snapshot, key: Key) -> Studio:
    return seen.values[key] or Studio()


def _last_stops(seen: Snapshot, place: Place) -> tuple[str, str]:
    return _studio(seen, place.key).last_stop, _studio(seen, place.shared).last_stop


def _has_ended(studio: Studio, now: float) -> bool:
    return studio.turn is None or studio.turn.until <= now


def _kept(key: Key, value: Any) -> Changes:  # noqa: ANN401  a record
    """A changed record. A studio of which nothing is remembered is forgotten."""
    if value == Studio():
        return {key: (None, 0.0)}
    if not isinstance(value, Studio):
        return {key: (value, _KEPT_SECONDS)}
    has_news = value.changed_to or value.auto_go_live
    return {key: (value, _LONG_SECONDS if has_news else _STUDIO_SECONDS)}


def _declined(operation: Operation[Model], caller: Caller, who: str | None) -> Key:
    return Key("declined", call_digest(operation, f"{caller.fingerprint} {who or ''}"))


def _asked(operation: Operation[Model], caller: Caller) -> Key:
    return Key("asked", call_digest(operation, f"{caller.key} {caller.fingerprint}"))
