"""Histories of what callers, TRaX, time and the engine do, chosen by chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.model.acts import DISABLE_AND_GO_LIVE, GO_LIVE, OTHERS
from tests.model.run import FAULTS, REQUESTS
from tests.world.wire import ERAS
from tests.world.world import COLLEAGUE, MINE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from tests.model.acts import Act

_WAYS: Final = (
    *["form,panel,page,preview"] * 4,
    "preview",
    "form,panel,page",
    "confirm_alone",
)
_PAUSES: Final = (0.0, 0.0, 0.0, 0.01, 0.3, 1.0, 2.3, 5.0)
_MISUSES: Final = (
    "at once",
    "another's",
    "another call's",
    "bare",
    "unconfirmed",
    "no",
    "choice",
    "forms",
)
_CHANGES: Final = ("a destination renamed", "one enabled", "a camera renamed", "live", "off air")


@dataclass(frozen=True, slots=True)
class Step:
    """One step, by the name of a method of `Run`, and the seconds after it."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """Steps on a server with ways to ask, and a TRaX that takes its time by chance."""

    ways: str
    era: str
    slowest: tuple[float, float]
    seed: int
    steps: Sequence[Step]


def random_history(random: Random) -> History:
    """A history by chance."""
    steps = [step for _ in range(random.randint(4, 12)) for step in _random_scene(random)]
    return History(
        ways=random.choice(_WAYS),
        era=random.choice(ERAS),
        slowest=(random.choice((0.0, 0.1, 3.0)), random.choice((0.0, 0.3, 4.0))),
        seed=random.randrange(2**32),
        steps=steps,
    )


def _random_scene(random: Random) -> list[Step]:
    """Some steps that belong together, so that calls cross where it matters."""
    ((_, scene),) = random.choices(_SCENES, [often for often, _ in _SCENES])
    return scene(random, random.randrange(2), random.choice((0.01, 0.3, 1.0)))


def _back(random: Random) -> int:
    return random.choice((0, 0, 0, 1, 1, 2, 4))


def _ask(random: Random, act: Act | None = None) -> Step:
    given = {"key": random.choice((MINE, COLLEAGUE)), "replica": random.randrange(2)}
    act = act or random.choice((GO_LIVE, GO_LIVE, GO_LIVE, GO_LIVE, *OTHERS))
    return Step("ask", {**given, "act": act, "can_ask": random.random() < 0.3})


def _approve(random: Random, *, pause: float = 0.0) -> Step:
    at = random.choice(((0,), (1,), (0, 1), (1, 0), (0, 0)))
    return Step("approve", {"back": _back(random), "at": at}, pause)


def _misuse(random: Random) -> Step:
    given = {"how": random.choice(_MISUSES), "back": _back(random), "replica": random.randrange(2)}
    return Step("misuse", given, random.choice(_PAUSES))


def _stop(random: Random) -> Step:
    given = {"key": random.choice((MINE, COLLEAGUE)), "can_ask": random.random() < 0.3}
    at = {"asked": random.randrange(2), "at": random.randrange(2)}
    return Step("stop", {**given, **at}, random.choice(_PAUSES))


def _attack(random: Random) -> Step:
    how = random.choice(("a stranger", "a stranger", "a forger", "a flood"))
    return Step("attack", {"how": how, "replica": random.randrange(2)}, random.choice(_PAUSES))


def _change(random: Random) -> Step:
    return Step("change", {"what": random.choice(_CHANGES)}, random.choice(_PAUSES))


def _fail(random: Random, fault: str) -> Step:
    where = "going live" if fault == "lacks a scope" else random.choice([*REQUESTS])
    return Step("fail", {"fault": fault, "where": where})


def _trouble(random: Random, here: int, seconds: float) -> Step:
    how = random.choice(("away", "late", "lossy"))
    return Step("trouble", {"how": how, "seconds": seconds, "replica": here})


def _approve_at(back: int, *replicas: int, pause: float = 0.0) -> Step:
    return Step("approve", {"back": back, "at": replicas}, pause)


def _at_once(replica: int, *, pause: float) -> Step:
    return Step("misuse", {"how": "at once", "back": 0, "replica": replica}, pause)


_SCENES: Final[Sequence[tuple[float, Callable[[Random, int, float], list[Step]]]]] = (
    # Each with how often it comes. `at` is a replica, and `wait` some seconds.
    (2, lambda it, _at, _wait: [_ask(it)]),
    (3, lambda it, _at, _wait: [_ask(it), _approve(it, pause=it.choice(_PAUSES))]),
    (
        2,
        lambda it, at, wait: [
            _ask(it),
            _ask(it),
            _approve_at(0, at),
            _approve_at(1, at, pause=wait),
        ],
    ),
    (2, lambda it, _at, wait: [_ask(it), _approve(it, pause=wait), _stop(it)]),
    (1, lambda it, _at, _wait: [_approve(it), Step("give_up", {"after": it.randrange(30)})]),
    # A replica is cut off while it reads or sends, and another goes on.
    (
        2,
        lambda it, at, wait: [
            *(_ask(it), _ask(it), _approve_at(1, at, pause=wait)),
            Step("trouble", {"how": "away", "seconds": 2.5, "replica": at}),
            _approve_at(0, 1 - at, pause=it.choice((0.0, 5.0))),
        ],
    ),
    # TRaX refuses an approved call, and later does not.
    (
        1,
        lambda it, at, wait: [
            *(_ask(it, GO_LIVE), _fail(it, it.choice(("refused", "lacks a scope")))),
            *(_approve_at(0, at, pause=9.0), _approve_at(0, at, 1 - at, pause=wait)),
        ],
    ),
    # Somebody enables a destination between two steps.
    (
        1.5,
        lambda it, _at, wait: [
            *(_ask(it, DISABLE_AND_GO_LIVE), _approve(it, pause=wait), _change(it))
        ],
    ),
    # A stop comes while the engine is late.
    (
        1.5,
        lambda it, at, wait: [
            *(_ask(it), _approve(it, pause=wait), _trouble(it, at, 3.0)),
            it.choice((_stop, _attack))(it),
        ],
    ),
    (3, lambda it, _at, _wait: [_misuse(it)]),
    # A model confirms without waiting for anybody, again and again.
    (
        1,
        lambda it, at, wait: [
            _ask(it, GO_LIVE),
            *(_at_once(at, pause=it.choice(_PAUSES)) for _ in range(it.randrange(1, 4))),
            _approve_at(0, 1 - at, pause=wait),
        ],
    ),
    (1, lambda it, _at, _wait: [_stop(it)]),
    (0.7, lambda it, _at, _wait: [_attack(it)]),
    (1.5, lambda it, _at, _wait: [_change(it)]),
    (1.5, lambda it, _at, _wait: [_fail(it, it.choice([*FAULTS]))]),
    (0.5, lambda it, at, wait: [_trouble(it, at, wait)]),
    (1.5, lambda it, _at, _wait: [Step("wait", {"seconds": it.choice((1.0, 20.0, 61.0, 301.0))})]),
    (0.4, lambda it, _at, _wait: [Step("suspend", {"seconds": it.choice((3.0, 301.0))})]),
)
