"""In the agent frameworks that people use, a model learns the same from each answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from proof.frameworks.environments import Environment, environments
from proof.frameworks.record import NEITHER, STDIO, halves, letters, write
from proof.frameworks.show import FORM, SHOW, run_show
from tests.support.hostile_texts import NOTICE, hidden

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from proof.frameworks.show import Ran

_HTTP: Final = "over HTTP"
_FORM: Final = "with a form"
_STRICT: Final = "in strict mode"
_FORMS: Final = ("ai-sdk", "langchain", "pydantic-ai", "strands")
"""Those whose programs can declare forms."""
_STRICT_MODES: Final = (
    "langchain",
    "langchain-js",
    "mastra",
    "openai-agents",
    "openai-agents-js",
)


class Known(NamedTuple):
    """What a framework's model is not told or cannot do, in these ways, and why."""

    framework: str
    why: str
    names: tuple[str, ...]
    ways: tuple[str, ...] = (STDIO, _HTTP, _STRICT)


_FIVE_SECONDS: Final = "it gives a call five seconds"
_EACH_CALL: Final = "it starts a server for each call, and so no confirmation is known"
_FORCED: Final = "its model must give every argument, those of other tools too"
_KNOWN: Final = (
    Known("agent-framework", "it hides each word of an error", ("a limit", "an error")),
    Known("autogen", _FIVE_SECONDS, ("a wait",), (STDIO,)),
    Known("google-adk", _FIVE_SECONDS, ("a wait",), (STDIO,)),
    Known("langchain", _EACH_CALL, ("a warning", "its confirmation", "on air"), (STDIO,)),
    Known("langchain", _FORCED, ("several changes",), (_STRICT,)),
    Known("llama-index", _EACH_CALL, ("a warning", "its confirmation", "on air"), (STDIO,)),
    Known("openai-agents", _FIVE_SECONDS, ("a wait",)),
    Known("openai-agents", _FORCED, ("several changes",), (_STRICT,)),
)
_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "a read": ("Friday Night Show",),
    "a message": ("Anyone can read it", "We start soon!"),
    "a warning": ("off air, so viewers may not see it",),
    "chat": (NOTICE,),
    "a limit": ("rate limiting", "30"),
    "an error": ("TRaX didn't find it",),
    "several changes": ("Turn off YouTube and go live on Twitch",),
    "a preview": ("Anyone can watch", "Late crowd"),
    "its confirmation": ("dest_1", "dest_2"),
    "a form": ("dest_1", "dest_2"),
    "a wait": (NOTICE,),
}
"""What the model must have been told after a step."""


@pytest.mark.parametrize("environment", environments(), ids=lambda it: it.name)
async def test_a_model_is_told_what_it_needs(environment: Environment) -> None:
    shows = await _shows(environment)
    failures = {
        f"{name} {way}" for way, ran in shows.items() for name in _failed(ran, shows[STDIO])
    }
    known = [it for it in _KNOWN if it.framework == environment.name]
    why = "; ".join(dict.fromkeys(it.why for it in known))
    write(environment, shows, _facts(shows, failures) | {"why": why})
    assert failures == {
        f"{name} {way}" for it in known for name in it.names for way in it.ways if way in shows
    }


async def _shows(environment: Environment) -> dict[str, Ran]:
    runs = {
        STDIO: run_show(environment, SHOW),
        _HTTP: run_show(environment, SHOW, over_http=True),
    }
    if environment.name in _FORMS:
        runs[_FORM] = run_show(environment, FORM, "FORM")
    if environment.name in _STRICT_MODES:
        runs[_STRICT] = run_show(environment, SHOW, "STRICT", over_http=True)
    return dict(zip(runs, await asyncio.gather(*runs.values()), strict=True))


def _failed(ran: Ran, on_stdio: Ran) -> Iterator[str]:
    """What the model was not told, or could not do."""
    offered = {it.name for it in ran.offered}
    if any(not any(it.endswith(tool["name"]) for it in offered) for tool in on_stdio.tools):
        yield "tools"
    for seen in ran.seen:
        said = letters(seen.message or "")
        if not all(letters(it) in said for it in _TOLD[seen.step.name]):
            yield seen.step.name
    if hidden(ran.message("chat") or "") - {"\n"}:
        yield "spelt out"
    if not ran.on_air:
        yield "on air"


def _facts(shows: Mapping[str, Ran], failures: Collection[str]) -> dict[str, str]:
    ran = shows[STDIO]
    others = len(ran.offered) - len(ran.tools)
    chat = ran.message("chat") or ""
    facts = {
        "tools": f"{len(ran.tools)}" + (f" and {others} more" if others else ""),
        "reads": _read(ran, are_errors=False),
        "of errors": _read(ran, are_errors=True),
        "fence": "yes" if "<viewers-" in chat else "no",
    }
    for name in ("spelt out", *_TOLD, "on air"):
        ways = [it for it in shows if _is_in(name, shows[it])]
        failed = [it for it in ways if f"{name} {it}" in failures]
        facts[name] = ("not " + ", ".join(failed) if failed else "yes") if ways else ""
    return facts | {"ways": ", ".join(shows)}


def _is_in(name: str, ran: Ran) -> bool:
    return name in {"spelt out", "on air"} or any(it.step.name == name for it in ran.seen)


def _read(ran: Ran, *, are_errors: bool) -> str:
    answers = [it for it in ran.answers if bool(it.get("isError")) is are_errors]
    found = {halves(it.message, answer) for it in ran.seen for answer in answers}
    return ", ".join(sorted(found - {NEITHER})) or NEITHER
