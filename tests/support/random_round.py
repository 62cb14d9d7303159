"""A round of a race around one studio: people ask, press, cancel and change their minds at random.

The round uses real clients of the server. `round_judge` judges what came of it.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
from mcp import Client

from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.random_trax import CALM, Moments, Odds, RandomTrax, Sent
from tests.support.simulated_person import Person, form_of, yes_to
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

SEED: Final = os.environ.get("RACES_SEED", "") or "gate"
"""Decides all chance, and is the same in each run of the tests."""
PEOPLE: Final = {
    name: f"sk_live_sandbox_{name}"
    for name in ("ann", "ben", "cat", "dan", "eve", "fay", "mallory")
}
"""Each has a key of their own, by which the wire tells whose change it is."""
STRANGER: Final = "mallory"
"""Her key is of another account, and may go live and offline there."""
WITH_FORMS: Final = frozenset({"ann", "dan"})
"""Their clients show forms; the others get previews."""
_STARTERS: Final = ("ann", "ben", "cat")
_STOPPERS: Final = ("dan", "eve")

LONGEST_SECONDS: Final = 60.0
"""All calls of a race have ended by then."""

Result = types.CallToolResult | types.InputRequiredResult


def chance(what: object) -> Random:
    """The chance of one part of a test."""
    return Random(f"{SEED} {what}")  # noqa: S311  no secret


@dataclass(slots=True, eq=False)
class Press:
    """One press of a yes. `result` is None if it was cancelled or did not end."""

    at: float
    is_cancelled: bool = False
    result: Result | None = None

    @property
    def outcome(self) -> str:
        """`ran`, `asked`, the reason or status of a call that did not run, or a failure's code."""
        if self.result is None:
            return "cancelled" if self.is_cancelled else "no answer"
        if isinstance(self.result, types.InputRequiredResult):
            return "asked"
        data = self.result.structured_content or {}
        if "error" in data:
            return f"failed: {data['error']['code']}, {data['error']['outcome']}"
        if data.get("executed") is False:
            return str(data.get("reason") or data["status"])
        return "ran"

    @property
    def message(self) -> str:
        """The sentence of a call that did not run."""
        data = getattr(self.result, "structured_content", None) or {}
        return str(data.get("message", ""))


@dataclass(slots=True, eq=False)
class Yes:
    """A question that somebody was asked, and each press of its yes."""

    who: str
    tool: str
    arguments: dict[str, Any]
    call: str
    asked: tuple[float, float]
    """When the call that asked began and ended."""
    shown: object
    """The target, effects, warnings and unknown facts that the person read."""
    evidence: dict[str, Any]
    presses: list[Press] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The key of who was asked."""
        return PEOPLE[self.who]

    @property
    def pressed(self) -> float:
        """When it was pressed first."""
        return min((it.at for it in self.presses), default=float("inf"))

    def sends(self, sent: Sequence[Sent]) -> list[Sent]:
        """The changes on the wire that are this person's call, of which they have one yes."""
        address = self.arguments.get("rtmpUrl", "")
        mine = [it for it in sent if it.key == self.key and it.call == self.call]
        return [it for it in mine if address in it.body and it.arrived >= self.asked[0]]


@dataclass(slots=True)
class World:
    """A sandbox, how it behaves, and each person's client at each product that serves them."""

    sandbox: Sandbox
    trax: RandomTrax
    moments: Moments
    clients: Sequence[Mapping[str, Client]]
    settle: Callable[[], Awaitable[None]]
    """Waits until no call runs any more."""
    pace: float = 1.0
    """How long all takes: 1 in virtual time."""


@asynccontextmanager
async def open_world(
    products: Sequence[Product],
    moments: Moments,
    random: Random,
    *,
    settle: Callable[[], Awaitable[None]],
    pace: float = 1.0,
) -> AsyncIterator[World]:
    """The people, each with a client of each of these products, which have the same sandbox."""
    sandbox = products[0].trax
    for name, key in PEOPLE.items():
        if name == STRANGER:
            sandbox.add_key(key, account=ANOTHER_ACCOUNT, scopes={"stream:golive"})
        else:
            sandbox.add_key(key)
    async with AsyncExitStack() as stack:
        clients: list[dict[str, Client]] = [{} for _ in products]
        for product, of_product in zip(products, clients, strict=True):
            for name, key in PEOPLE.items():
                form = Person() if name in WITH_FORMS else None
                client = Client(
                    product.server(key), mode=MODERN, cache=None, elicitation_callback=form
                )
                of_product[name] = await stack.enter_async_context(client)
        trax = RandomTrax(sandbox, random, moments)
        yield World(sandbox, trax, moments, clients, settle, pace)


class Round:
    """One round. `sent`, `yeses`, `renamed` and the others are what the judge looks at."""

    def __init__(self, world: World, number: int, random: Random) -> None:
        self.world = world
        self.random = random
        self.yeses: list[Yes] = []
        self.renamed: list[float] = []
        """When something that a go-live shows was changed on TRaX itself."""
        self.broken: list[str] = []
        """What went wrong while it ran."""
        self.studio = world.sandbox.add_studio(f"Round {number}", record_id=f"studio_r{number}")
        self.main, self.second, self.third = (f"dest_r{number}{it}" for it in "abc")
        self.camera = f"source_r{number}"
        add = partial(world.sandbox.add_destination, studio=self.studio)
        add("Main", record_id=self.main)
        add("Second", record_id=self.second, platform="twitch")
        add("Third", record_id=self.third, platform="kick", enabled=False)
        world.sandbox.add_source("Camera", record_id=self.camera, studio=self.studio)

    @property
    def sent(self) -> Sequence[Sent]:
        """The changes in this studio that reached TRaX."""
        return self.world.trax.sent.get(self.studio, ())

    async def run(self) -> None:
        """Ask, race, and wait until all is over."""
        random = self.random
        pace = self.world.pace
        slowest = pace * random.choice((0.1, 0.3, 4.0, 4.0))
        odds = Odds(slowest, stops=random.choice((slowest, pace * 0.1)))
        self.world.trax.odds[self.studio] = odds
        on_air = random.random() < 0.75
        await self._ask_all(on_air=on_air)
        if random.random() < 0.5:
            odds.refused, odds.lost = random.choice(((0.15, 0.0), (0.4, 0.0), (0.05, 0.15)))
        spread = pace * random.choice((0.0, 0.0, 0.02, 0.5, 2.0))
        async with anyio.create_task_group() as tasks:
            for yes in self.yeses:
                late = pace * 3 * random.random() if yes.who in _STOPPERS else 0.0
                for _ in range(random.choice((1, 2, 2))):
                    delay = random.choice((0.0, late)) + spread * random.random()
                    tasks.start_soon(self._later, delay, partial(self._press_or_cancel, yes))
            for act in self._bystanders(on_air=on_air):
                delay = pace * random.choice((0.0, 0.02, 1.0)) * random.random()
                tasks.start_soon(self._later, delay, act)
        await self.world.settle()
        self.world.trax.odds[self.studio] = CALM

    async def ask(self, who: str, tool: str, **arguments: object) -> Yes | None:
        """Call without a yes. None if there is nothing to agree to."""
        arguments = {"studioId": self.studio, **arguments}
        began = anyio.current_time()
        result = await self._call(who, tool, arguments)
        asked = began, anyio.current_time()
        evidence: dict[str, Any]
        if isinstance(result, types.InputRequiredResult):
            evidence = {
                "request_state": result.request_state,
                "input_responses": dict.fromkeys(result.input_requests or {}, yes_to(result)),
            }
            shown: object = form_of(result).message
        else:
            data = result.structured_content or {}
            if "confirmation" not in data:
                return None
            evidence = {"confirm": True, "confirmation": data["confirmation"]}
            shown = {it: data["preview"][it] for it in ("target", "effects", "warnings", "unknown")}
        path = {
            "go_live": "POST /v1/studios/{}/go-live",
            "go_offline": "POST /v1/studios/{}/go-offline",
            "update_destination": f"PATCH /v1/studios/{{}}/destinations/{arguments.get('destId')}",
        }[tool]
        return Yes(who, tool, arguments, path.format(self.studio), asked, shown, evidence)

    async def press(self, yes: Yes) -> Press:
        """Give a yes, and wait for what comes of it."""
        press = Press(anyio.current_time())
        yes.presses.append(press)
        press.result = await self._call(yes.who, yes.tool, yes.arguments, yes.evidence)
        return press

    async def _ask_all(self, *, on_air: bool) -> None:
        random = self.random
        wanted: list[tuple[str, str, dict[str, Any]]] = []
        if on_air:
            starters = random.sample(_STARTERS, random.choice((1, 1, 2)))
            wanted += [(who, "go_live", {}) for who in starters]
            stoppers = random.sample(_STOPPERS, random.choice((0, 1, 1, 1, 2)))
            wanted += [(who, "go_offline", {}) for who in stoppers]
        changers = random.sample(("ann", "ben"), random.choice((0, 1)) if on_air else 2)
        for who in changers:
            destination = random.choice((self.main, self.second))
            new = {"destId": destination, "rtmpUrl": f"rtmps://{who}.example/app"}
            wanted.append((who, "update_destination", new))
        async with anyio.create_task_group() as tasks:
            for who, tool, arguments in wanted:
                tasks.start_soon(self._ask_and_keep, who, tool, arguments)

    async def _ask_and_keep(self, who: str, tool: str, arguments: dict[str, Any]) -> None:
        if yes := await self.ask(who, tool, **arguments):
            self.yeses.append(yes)

    def _bystanders(self, *, on_air: bool) -> list[Callable[[], Awaitable[object]]]:
        """Acts beside the presses, each now and then."""
        with_url = {"sourceId": self.camera, "url": "rtmp://new.example/feed"}
        enabled = {"destId": self.third, "enabled": True}
        acts: list[tuple[float, Callable[[], Awaitable[object]]]] = [
            (0.3, self._rename),
            (0.4, partial(self._call_bare, "eve", "update_source", with_url)),
            (0.4, partial(self._call_bare, "eve", "update_destination", enabled)),
            (0.4, self._forge),
            (0.3, self._stop_as_a_stranger),
        ]
        if on_air and not any(it.who == "cat" for it in self.yeses):
            acts.append((0.5, self._change_mind))
        return [act for likely, act in acts if self.random.random() < likely]

    async def _press_or_cancel(self, yes: Yes) -> None:
        """Press, and sometimes let the client give up."""
        press = Press(anyio.current_time())
        yes.presses.append(press)
        with anyio.CancelScope() as scope:
            if self.random.random() < 0.3:
                press.is_cancelled = True
                self.world.moments.cancel(scope, after=self.random.randrange(60))
            press.result = await self._call(yes.who, yes.tool, yes.arguments, yes.evidence)
            press.is_cancelled = False

    async def _rename(self) -> None:
        self.world.sandbox.change(self.main, name="Renamed")
        self.renamed.append(anyio.current_time())

    async def _call_bare(self, who: str, tool: str, arguments: dict[str, Any]) -> None:
        await self._call(who, tool, {"studioId": self.studio, **arguments})

    async def _forge(self) -> None:
        """Somebody has seen what another was asked, but was not asked themselves."""
        yes = self.random.choice(self.yeses)
        evidence = yes.evidence if "confirm" in yes.evidence else {"confirm": True}
        await self._call("fay", yes.tool, yes.arguments, evidence)

    async def _stop_as_a_stranger(self) -> None:
        """TRaX refuses the stop, which must not count for anybody else."""
        yes = await self.ask(STRANGER, "go_offline")
        if yes:
            await self.press(yes)

    async def _change_mind(self) -> None:
        """Somebody goes live after all, with a yes of their own."""
        await anyio.sleep(self.world.pace * self.random.choice((0.5, 4.0)) * self.random.random())
        if yes := await self.ask("cat", "go_live"):
            self.yeses.append(yes)
            await self.press(yes)

    async def _call(
        self,
        who: str,
        tool: str,
        arguments: dict[str, Any],
        evidence: Mapping[str, Any] | None = None,
    ) -> Result:
        """Call by a client of this person, at any product."""
        client = self.random.choice(self.world.clients)[who]
        answer = dict(evidence or {})
        if "confirm" in answer:
            arguments, answer = {**arguments, **answer}, {}
        result: Result = await client.session.call_tool(
            tool, arguments, allow_input_required=True, **answer
        )
        return result

    async def _later(self, seconds: float, act: Callable[[], Awaitable[object]]) -> None:
        await anyio.sleep(seconds)
        await act()

    def story(self) -> str:
        """The round, to be read where it failed."""
        lines = [f"renamed at {it:.3f}" for it in self.renamed]
        for yes in self.yeses:
            lines.append(f"{yes.asked[0]:.3f}-{yes.asked[1]:.3f} {yes.who} was asked: {yes.tool}")
            lines += [f"    {it.at:.3f} pressed: {it.outcome} {it.message}" for it in yes.presses]
        return "\n".join([*lines, *map(str, self.sent)])
