"""What must hold, by what people were shown and answered, and by what reached TRaX.

The model knows nothing of how the product remembers, waits or locks. Times are those of the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.world.world import NO_ACCESS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from tests.model.acts import Act
    from tests.support.product.sandbox import Sandbox

STOP_SECONDS: Final = 2.5
"""A stop is on the wire by then."""
_VALID_SECONDS: Final = 300.0
_READING_SECONDS: Final = 4.0
"""Nobody reads a preview in less. The product says five, and the engine may be late."""
_MINUTE: Final = 59.0
_SENDING_SECONDS: Final = 40.0
"""For so long a call may go on that its client has given up."""
_REPEAT_SECONDS: Final = 60.0 + _SENDING_SECONDS
"""For so long a stop may be sent again."""
_BACK_SECONDS: Final = 1.5
"""After so long, a replica has told the engine what it had not heard."""
_AT_ONCE: Final = 0.01


@dataclass(slots=True, eq=False)
class Sent:
    """A change that reached TRaX. `answered` is infinite while TRaX has it."""

    call: Call
    path: str
    body: dict[str, Any]
    at: float
    answered: float = inf
    fate: str = "under way"
    """Or `applied`, `refused`, `crowded out`, or `unknown`: what its caller learns."""

    @property
    def is_go_live(self) -> bool:
        """Whether it is a go-live."""
        return self.path.endswith("/go-live")

    @property
    def may_be_applied(self) -> bool:
        """Whether TRaX did not certainly refuse it."""
        return self.fate not in {"refused", "crowded out"}


@dataclass(slots=True, eq=False)
class Shown:
    """A question or a preview. `choice` is what agrees in a form, else it is for the model."""

    id: str
    call: Call
    at: float
    choice: str | None = None
    no: str | None = None
    refused: float = inf
    """When somebody had said no."""
    uses: list[Call] = field(default_factory=list)

    @property
    def hurried(self) -> list[float]:
        """When a model confirmed it too soon, by the wall clock."""
        return sorted(it.wall for it in self.uses if it.status == "not run: too_soon")

    @property
    def is_withdrawn(self) -> bool:
        """Whether three of these came within a minute."""
        starts = zip(self.hurried, self.hurried[2:], strict=False)
        return any(third < first + _MINUTE for first, third in starts)


@dataclass(slots=True, eq=False)
class Call:
    """A call of a client at a replica, with its evidence, and what the model has seen of it.

    `signed`: a word that the caller has signed with their own key. `is_blind`: TRaX did not let it
    read everything. `facts` is what TRaX said while it ran of what is shown.
    """

    key: str
    replica: int
    can_ask: bool
    act: Act
    shown: Shown | None = None
    confirm: bool = False
    choice: str | None = None
    signed: str = ""
    name: str = ""
    began: float = 0.0
    wall: float = 0.0
    ended: float = inf
    is_approved: bool = False
    is_cancelled: bool = False
    is_blind: bool = False
    status: str = "no answer"
    """`ran`, `asked`, `failed: ...` or why it did not run."""
    text: str = ""
    outcomes: tuple[str, ...] = ()
    """Of each of several changes."""
    facts: dict[str, set[Hashable]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    undo: Sent | None = None

    @property
    def may_be_sending(self) -> bool:
        """Whether more of it may be sent. A client that gives up ends nothing that has begun."""
        is_going_on = self.is_cancelled and anyio.current_time() < self.ended + _SENDING_SECONDS
        return self.ended == inf or is_going_on

    @property
    def may_have_run(self) -> bool:
        """Whether TRaX has perhaps applied something of it."""
        return any(it.may_be_applied for it in self.sent)

    def expects(self, call: str, body: dict[str, Any]) -> bool:
        """Whether this change is what it sends next. A stop that is crowded out is sent again."""
        again = self.act.stops and self.sent and self.sent[-1].fate == "crowded out"
        after = 0 if again else len(self.sent)
        return (call, body) in self.act.steps[after : after + 1]


class Promises:
    """All calls, what was shown and sent, and each promise that was broken, in words."""

    def __init__(self, trax: Sandbox, ways: str) -> None:
        self.ways = ways
        self.calls: list[Call] = []
        self.sent: list[Sent] = []
        self.broken: list[str] = []
        self.trouble = [-inf, -inf]
        """Until when the engine was late or away for each replica: see `docs/replicas.md`."""
        self.apart: set[tuple[str, int]] = set()
        """Whom TRaX has refused a scope at a replica: they take turns by themselves there."""
        self.enabled: list[tuple[float, str]] = []
        """When a destination was enabled on TRaX itself."""
        self._trax = trax
        self._shows: dict[str, Sent] = {}
        """The go-live of the show that runs in a studio, if we have started it."""

    @property
    def is_busy(self) -> bool:
        """Whether a call may be running."""
        return any(it.may_be_sending for it in self.calls)

    # Calls

    def begin(self, call: Call, wall: float) -> None:
        """A client calls."""
        call.began, call.wall = anyio.current_time(), wall
        self.calls.append(call)
        self._look(call)
        if call.shown is not None:
            call.shown.uses.append(call)
        call.is_approved = not any(self._against(call))

    def end(self, call: Call) -> None:
        """A client has its answer, or has given up. `status` and `text` are what it was told."""
        self._look(call)
        call.ended = anyio.current_time()
        shown, was_refused = call.shown, call.status == "not run: declined"
        if shown is not None and call.choice and call.choice == shown.no and was_refused:
            shown.refused = min(shown.refused, call.ended)
        for problem in self._problems_of_answer(call):
            self._break(call, problem)

    def look(self) -> None:
        """Note what TRaX says now, for all calls that may read it."""
        for call in self.calls:
            if call.ended == inf:
                self._look(call)

    def _look(self, call: Call) -> None:
        for name, it in call.act.facts(self._trax).items():
            call.facts.setdefault(name, set()).add(it)

    def _problems_of_answer(self, call: Call) -> Iterator[str]:
        """What an answer says is what TRaX saw, and a stop was in time."""
        is_calm = not self._had_trouble(since=call.shown.call.began if call.shown else call.began)
        said_no = call.status.startswith("not run") or call.status.endswith("error: not_applied")
        if call.is_cancelled:
            return
        is_needless = call.act.stops and bool(call.sent) and "is off air already" in call.text
        has_run = call.may_have_run or is_needless
        if call.status == "ran" and not has_run and not self._is_anothers(call, ran=True):
            yield "is said to have run, and did not reach TRaX"
        if said_no and call.may_have_run and not self._is_anothers(call, ran=False):
            yield f"is said to be {call.status!r}, and reached TRaX"
        others = [it for it in call.shown.uses if it is not call] if call.shown else []
        is_used = any(it.may_have_run or it.may_be_sending for it in others)
        if call.status == "not run: used" and is_calm and not is_used:
            yield "is said to have been used, and was not"
        if call.status == "ran" and call.undo and "a request to go offline came" not in call.text:
            yield "does not say that a request to go offline came"
        for number, outcome in enumerate(call.outcomes):
            was_sent = number < len(call.sent)
            is_wrong = {"not_sent": was_sent, "applied": not was_sent}.get(outcome)
            if is_wrong and not self._is_anothers(call, ran=True) and not others:
                yield f"is said to be {call.outcomes}, and {len(call.sent)} were sent"
        if call.act.stops:
            yield from self._problems_of_stop(call, others)

    def _problems_of_stop(self, call: Call, others: list[Call]) -> Iterator[str]:
        first = call.sent[0] if call.sent else None
        if call.is_approved and not others:
            if first is None or first.at > call.began + STOP_SECONDS:
                yield f"was not sent within {STOP_SECONDS} seconds"
            elif (
                first is call.sent[-1]
                and first.fate == "crowded out"
                and first.answered < first.at + 1
            ):
                yield "was crowded out, and not sent again"
        show = self._shows.get(call.act.studio)
        is_older = first and show and show.answered < first.at
        if call.status == "ran" and is_older and not self._had_trouble(since=call.began):
            yield "is said to have run, and the show goes on"

    def _is_anothers(self, call: Call, *, ran: bool) -> bool:
        """Whether the model has mixed up two calls that are alike. It then swaps their changes."""
        alike = (call.key, call.replica, call.act)
        for it in self.calls:
            is_alike = it is not call and (it.key, it.replica, it.act) == alike
            is_late = it.is_cancelled or it.ended >= call.began
            if is_alike and is_late and it.may_have_run is ran and it.status != "ran":
                call.sent, it.sent = it.sent, call.sent
                for sent in call.sent:
                    sent.call = call
                for sent in it.sent:
                    sent.call = it
                return True
        return False

    # Changes on the wire

    def arrive(self, key: str, replica: int, path: str, body: dict[str, Any]) -> Sent:
        """A change has reached TRaX: find whose it is, and judge it."""
        self.look()
        mine = [it for it in self.calls if (it.key, it.replica) == (key, replica)]
        free = [it for it in mine if it.may_be_sending and it.expects(path, body)]
        free.sort(key=lambda it: not it.sent and any(self._against(it)))
        sent = Sent(free[0] if free else mine[-1], path, body, anyio.current_time())
        if free:
            for problem in self._problems(sent):
                self._break(sent.call, problem)
            sent.call.sent.append(sent)
        elif not self._is_repeated(sent, mine):
            self._judge_undo(sent, mine)
        self.sent.append(sent)
        return sent

    def answer(self, sent: Sent, fate: str) -> None:
        """TRaX has answered, or the connection is gone."""
        sent.fate, sent.answered = fate, anyio.current_time()
        studio = sent.call.act.studio
        if sent.is_go_live and sent.may_be_applied:
            self._shows[studio] = sent
        if not self._trax.is_running(studio):
            self._shows.pop(studio, None)
        self.look()

    def _problems(self, sent: Sent) -> Iterator[str]:
        """Why a change must not be sent now."""
        call = sent.call
        if call.key == NO_ACCESS:
            return
        if not call.act.stops:
            yield from self._at_once(sent)
        if call.sent and not call.act.stops:
            yield from self._against_further_step(sent)
        elif not call.sent and self._needs_approval(call):
            yield from (f"was sent, and {why}" for why in self._against(call))

    def _needs_approval(self, call: Call) -> bool:
        show = self._shows.get(call.act.studio)
        is_ours = show is not None and show.answered <= call.began
        return not call.act.only_live or call.facts["air"] == {True} or is_ours

    def _against(self, call: Call) -> Iterator[str]:
        """Why nobody has approved a call as it would be sent now."""
        if self.ways == "confirm_alone" and call.confirm:
            return
        if call.shown is None:
            yield "nothing was shown"
            return
        yield from self._against_evidence(call, call.shown)
        yield from self._against_later(call, call.shown)

    def _against_evidence(self, call: Call, shown: Shown) -> Iterator[str]:
        if shown.call.key != call.key:
            yield "it was shown to somebody else"
        if shown.call.act is not call.act:
            yield f"what was shown was {shown.call.act}"
        if call.wall - shown.at >= _VALID_SECONDS:
            yield "its approval came too late"
        if shown.refused < call.began and not call.act.stops:
            yield "the person had said no"
        if shown.choice is not None:
            if call.choice != shown.choice:
                yield f"the answer was {call.choice!r}"
        else:
            yield from self._against_confirmation(call, shown)

    def _against_confirmation(self, call: Call, shown: Shown) -> Iterator[str]:
        if not call.confirm:
            yield "nobody had confirmed it"
        elif call.can_ask and "form" in self.ways:
            yield "the person was not asked"
        elif call.act.stops:
            return
        elif "preview" not in self.ways:
            yield "only a person may approve"
        elif call.wall < max((shown.at, *shown.hurried)) + _READING_SECONDS:
            yield "nobody can have read it"
        elif shown.is_withdrawn:
            yield "it was withdrawn"

    def _against_later(self, call: Call, shown: Shown) -> Iterator[str]:
        """What has come since it was shown."""
        act, has_trouble = call.act, self._had_trouble(since=shown.call.began)
        for it in shown.uses:
            is_other = it is not call and it.act is shown.call.act and it.may_have_run
            is_at_once = it.replica != call.replica and it.ended > call.began
            # a replica that does not know the caller yet keeps a stop apart until it has ended
            if is_other and not (act.stops and (has_trouble or is_at_once)):
                yield f"its approval was used by {it.name}"
        if not (act.stops or shown.call.is_blind or call.is_blind or has_trouble):
            for name, now in call.facts.items():
                if not now & shown.call.facts.get(name, now):
                    yield f"{name} is {now}, and {shown.call.facts[name]} was shown"
        if act.leads_on_air and not has_trouble:
            before = anyio.current_time() - _AT_ONCE
            for stop in self._stops(act.studio, since=shown.call.ended):
                if any(shown.call.ended < it.at < before for it in stop.sent):
                    yield f"{stop.name} had stopped the studio since"

    def _against_further_step(self, sent: Sent) -> Iterator[str]:
        call, last = sent.call, sent.call.sent[-1]
        if last.fate != "applied":
            yield f"went on although the step before was {last.fate}"
        for stop in self._stops(call.act.studio, since=call.sent[0].at):
            is_heard = stop.replica == call.replica or not self._had_trouble(since=call.began)
            was_before = stop.sent and call.sent[0].at < stop.sent[0].at < sent.at - _AT_ONCE
            if is_heard and was_before:
                yield f"went on after {stop.name}"
        if sent.is_go_live:
            for at, name in self.enabled:
                if call.sent[0].at < at < last.answered and not call.is_blind:
                    yield f"goes out on {name}, which was not shown"

    def _at_once(self, sent: Sent) -> Iterator[str]:
        """One call at a time in a studio, and no second go-live for a show."""
        call, studio = sent.call, sent.call.act.studio
        show = self._shows.get(studio)
        if sent.is_go_live and show and not (call.is_blind or self._is_apart(call, show.call)):
            yield "was sent although the studio goes live already"
        for it in self.sent:
            is_there = studio and it.call.act.studio == studio and it.answered == inf
            is_free = it.path.endswith("/go-offline") or self._is_apart(call, it.call)
            is_lost = self.trouble[it.call.replica] >= it.at  # then others may take its turn
            if is_there and not (is_free or is_lost):
                yield f"was sent while TRaX had {it.path} of {it.call.name}"

    def _is_repeated(self, sent: Sent, mine: list[Call]) -> bool:
        """Whether it is a stop that is sent again: for an older start, or since it was lost."""
        for call in reversed(mine):
            first = call.sent[0] if call.sent and call.act.stops else None
            if first is None or first.path != sent.path or sent.at > first.at + _REPEAT_SECONDS:
                continue
            sent.call = call
            show = self._shows.get(call.act.studio)
            shown = show and show.call.shown
            asked = shown.call.ended if shown else show.call.began if show else 0.0
            if asked > first.answered and not self._had_trouble(since=call.began):
                self._break(call, "took a later show off the air")
            return True
        return False

    def _judge_undo(self, sent: Sent, mine: list[Call]) -> None:
        """A change that no call asks for. A go-live that a stop has followed is undone, once."""
        for call in mine:
            studio, went = call.act.studio, [it for it in call.sent if it.is_go_live]
            if not went or call.undo or sent.path != f"POST /v1/studios/{studio}/go-offline":
                continue
            if not call.may_be_sending:
                continue
            sent.call, call.undo = call, sent
            earlier = 60 if self._had_trouble(since=call.began) else 0
            stops = [*self._stops(studio, since=call.began - earlier)]
            if not stops:
                self._break(call, "took the studio off the air, and nobody had stopped it")
            show = self._shows.get(studio)
            is_later = show is not None and show.at > went[0].answered
            if is_later and not any(it.replica == call.replica for it in stops):
                self._break(call, "took a later show off the air")
            return
        self._break(sent.call, f"is the last call of somebody who sent {sent.path} without a call")

    def _stops(self, studio: str, *, since: float) -> Iterator[Call]:
        """The stops since then of those who may stop this studio, which may not be sent yet."""
        for it in self.calls:
            is_theirs = it.act.stops and it.act.studio == studio and it.key != NO_ACCESS
            is_running = it.ended == inf and not it.sent and (it.shown or it.confirm)
            was_sent = any(sent.at >= since for sent in it.sent)
            if is_theirs and (is_running or was_sent) and not self._is_apart(it):
                yield it

    def _is_apart(self, *calls: Call) -> bool:
        single = [it for it in calls if it.act.tool in {"go_live", "go_offline"}]
        return any((it.key, it.replica) in self.apart for it in single)

    def _had_trouble(self, *, since: float) -> bool:
        return max(self.trouble) >= since - _BACK_SECONDS

    # In the end

    def settle(self) -> None:
        """All is over: no call runs any more, and no show goes on after a stop."""
        for call in self.calls:
            if call.ended == inf:
                self._break(call, "got no answer")
        for studio, show in self._shows.items():
            shown = show.call.shown
            # `confirm` alone is an approval of the moment, whatever was shown before
            since = shown.call.ended if shown and self.ways != "confirm_alone" else show.call.began
            if self._is_apart(show.call) or self._had_trouble(since=since):
                continue
            for stop in self._stops(studio, since=since):
                undo = show.call.undo
                was_refused = undo and undo.fate != "applied"
                is_done = any(it.fate == "applied" and it.at > since for it in stop.sent)
                if is_done and not was_refused:
                    self._break(show.call, f"is on air after {stop.name}")

    def _break(self, call: Call, problem: str) -> None:
        self.broken.append(f"{call.name} {problem}")
