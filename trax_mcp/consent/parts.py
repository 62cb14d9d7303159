"""What every guarded call uses: TRaX, the store, the audit log, and what this process knows."""

import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
from cachetools import TTLCache

from trax_mcp.actions.change import Change
from trax_mcp.actions.view import View
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Refused, TraxError, interrupted
from trax_mcp.api.operation import Operation
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import Clock
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Call, Done, Sent, Step
from trax_mcp.consent.policy import Verdict, in_audit_log
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import Store, name_of, place_of
from trax_mcp.studio.facts import OBSERVED_SECONDS, Facts, Kind
from trax_mcp.studio.failed_reads import naming_the_read
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.reading import FactReader

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

_TIMEOUTS: Final = 2
_AGAIN_SECONDS: Final = 2.0
"""For how long a stop is tried again that TRaX refuses because of too many requests."""
_TOO_MANY: Final = 429
_MOST: Final = 4096
_NEWS_SECONDS: Final = 3600.0

_LOG = logging.getLogger(__name__)


class Background:
    """Work that goes on after the answer of its call, while a server runs."""

    def __init__(self) -> None:
        self._servers: list[TaskGroup] = []

    @property
    def is_open(self) -> bool:
        """Whether anything can go on there."""
        return bool(self._servers)

    def start(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Begin some work. If it fails, that is logged."""

        async def run() -> None:
            try:
                await work()
            except Exception:  # noqa: BLE001  a bug must not end the server, and with it stops
                _LOG.exception("work after the answer of a call failed")

        if self._servers:
            self._servers[-1].start_soon(run)

    def end(self) -> None:
        """End all of it: the process is about to end."""
        for it in self._servers:
            it.cancel_scope.cancel()

    async def run(self) -> None:
        """Let work go on, until it is ended."""
        async with anyio.create_task_group() as tasks:
            self._servers.append(tasks)
            try:
                await anyio.sleep_forever()
            finally:
                self._servers.remove(tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every call uses.

    `went_alone` counts, by record, the stops of this process of which the store did not hear in
    time. `asked_about` has the facts of each question about a stop, by key and studio: a stop
    itself reads none. `news` has what was done in a studio after the answer of a call.
    """

    client: Client
    rules: Rules
    store: Store
    audit: Audit
    tasks: ShieldedTasks
    clock: Clock
    lists: ListCache
    background: Background = field(default_factory=Background)
    went_alone: Counter[str] = field(default_factory=Counter)
    asked_about: TTLCache[tuple[str, str], Facts] = field(
        default_factory=lambda: TTLCache(_MOST, _NEWS_SECONDS)
    )
    news: TTLCache[tuple[str, str], str] = field(
        default_factory=lambda: TTLCache(_MOST, _NEWS_SECONDS)
    )

    def record_name(self, call: Call) -> str:
        """The name of the record of a call: that of its studio, if its key may make it there."""
        return self.record_name_of(call.operations[0], call.caller)

    def record_name_of(self, operation: Operation[Any], caller: Caller) -> str:
        """The same of one operation."""
        is_accepted = self.client.accepted_keys.may_call(caller, operation)
        return name_of(place_of(operation, caller, is_accepted=is_accepted))

    def deadline(self, times: int = _TIMEOUTS) -> float:
        """The time, on anyio's clock, when some requests and an observation must have ended."""
        return anyio.current_time() + times * self.client.timeout_seconds + OBSERVED_SECONDS

    async def read(self, call: Call, wanted: Sequence[Kind], known: Facts | None = None) -> Facts:
        """Read facts about the studio of a call.

        Raises:
            TraxError: one could not be read without which nobody can decide.
        """
        reader = FactReader(self.client, call.caller, call.studio)
        try:
            facts = await reader.read(wanted, known)
        except TraxError as error:
            raise naming_the_read(error, reader.failed).before_sending() from None
        if call.starts and facts.is_blind:
            raise reader.failed[GetStreamStatus].before_sending()
        return facts

    def known(self, call: Call, facts: Facts) -> Facts:
        """The facts, completed by the lists that are kept, to name things."""
        return facts.completed_by(self.lists.known(call.caller, call.studio))

    async def send(self, operation: Change[Any], call: Call, digest: str | None = None) -> Sent:
        """Send an operation once. A stop again while TRaX refuses it for too many requests.

        A change that TRaX's response shows otherwise than was asked for has failed.
        """
        self.write("sending", call, operation, digest=digest)
        until = self.clock.seconds() + _AGAIN_SECONDS
        while True:
            try:
                response = await self.client.send(operation, call.caller)
                return operation.not_changed(response) or response
            except Refused as error:
                pause = error.retry_after_seconds or _AGAIN_SECONDS / 4
                is_crowded = error.http_status == _TOO_MANY
                in_time = self.clock.seconds() + pause <= until
                if not (operation.stops_broadcast and is_crowded and in_time):
                    return error
            except TraxError as error:
                return error
            except Exception:  # noqa: BLE001  an approval was used: the call needs an outcome
                _LOG.exception("%s failed", operation.tool_name)
                return interrupted(operation)
            await self.clock.sleep(pause)

    async def change_unasked(self, change: Change[Any], caller: Caller) -> Done:
        """Make a change that needs nobody's approval, and no turn.

        Raises:
            TraxError: it failed.
        """
        response = await self.client.send(change, caller)
        if (failed := change.not_changed(response)) is not None:
            raise failed
        known = self.lists.known(caller, change.studio())
        report = change.report(View(known, now=self.clock.now()), response.data)
        return Done((Step(change.tool_name, "applied", *report, response.data),))

    # The audit log

    def write(
        self, event: str, call: Call, operation: Change[Any] | None = None, **facts: object
    ) -> None:
        """Write a line about a call, or one of its operations."""
        self.audit.write(
            event, call._replace(operations=(operation,)) if operation else call, **facts
        )

    def write_verdict(self, call: Call, verdict: Verdict, digest: str | None = None) -> None:
        """Write and count what was decided about a call."""
        facts = {
            "ask": str(self.rules.ask),
            **in_audit_log(verdict, call.answer.by if call.answer else None),
        }
        self.audit.write_verdict(call, facts, digest=digest)

    def write_sent(self, call: Call, operation: Change[Any], sent: Sent, **facts: object) -> None:
        """Write what became of an operation that was sent."""
        self.write(
            "sent",
            call,
            operation,
            **{
                "digest": None,
                "outcome": sent.outcome,
                "code": sent.code if isinstance(sent, TraxError) else None,
                "requestId": sent.request_id,
                **facts,
            },
        )
