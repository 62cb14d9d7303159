"""Plays several replicas for a person: `make replicas`. Everything is real but TRaX."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from proof.replicas.proxied_replicas import ProxiedReplicas, proxied_replicas
from tests.support.concurrency import Paused
from tests.support.guarded_calls import GO_LIVE
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from tests.world.wire import HttpWire

_STOP = "go_offline"
_CONSOLE = Console(highlight=False)


def step(text: str) -> None:
    """Say what is done now."""
    _CONSOLE.print(f"\n[bold]{text}[/bold]")


def show(result: dict[str, Any]) -> dict[str, Any]:
    """Show what a replica answers, as its model reads it."""
    lines: list[str] = result["content"][0]["text"].splitlines()
    sentences = [it for it in lines if not it.startswith("{")] or lines
    _CONSOLE.print(Padding(Text("\n".join(sentences)), (0, 0, 0, 4)))
    return result


def yes_of(shown: dict[str, Any]) -> dict[str, object]:
    """The yes to a preview."""
    return {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}


async def play(replicas: ProxiedReplicas) -> None:
    """Play it from the first yes to the last count."""
    first, second = replicas.both
    a, b, proxy = [
        await replicas.caller(MODERN, address=it)
        for it in (first.address, second.address, replicas.address)
    ]
    step(f"A at {first.address}, B at {second.address}, HAProxy at {replicas.address}.")
    step("A shows what going live would do.")
    yes = yes_of(show(await a.call(GO_LIVE.tool, **GO_LIVE.arguments)))
    step("A and B get the yes at the same moment. One runs it.")
    for it in await asyncio.gather(
        *(at.call("go_live", **GO_LIVE.arguments, **yes) for at in (a, b))
    ):
        show(it)
    step("A shows the stop, and B stops with the yes that was given at A.")
    yes = yes_of(show(await a.call(_STOP, **GO_LIVE.arguments)))
    show(await b.call(_STOP, **GO_LIVE.arguments, **yes))
    await kill_in_the_middle(replicas, a, b)
    step("Through HAProxy nobody sees that A is gone.")
    show(await proxy.call("get_stream_status", **GO_LIVE.arguments))
    sent = ", ".join(f"{it.method} {it.path.rpartition('/')[2]}" for it in replicas.trax.mutations)
    step(f"TRaX got: {sent}.")


async def kill_in_the_middle(replicas: ProxiedReplicas, a: HttpWire, b: HttpWire) -> None:
    """Kill A while it goes live, and ask B."""
    step("A goes live again, and its process is killed before TRaX has answered.")
    yes = yes_of(await a.call(GO_LIVE.tool, **GO_LIVE.arguments))
    paused = Paused()
    replicas.trax.faults.add(paused.fault, path="*/go-live")
    call = asyncio.create_task(a.call(GO_LIVE.tool, **GO_LIVE.arguments, **yes))
    await paused.arrived()
    replicas.both[0].running.process.kill()
    await asyncio.gather(call, return_exceptions=True)
    began = time.monotonic()
    step("The same yes at B:")
    answer = await b.call(GO_LIVE.tool, **GO_LIVE.arguments, **yes)
    while "not known" not in answer["content"][0]["text"] and time.monotonic() - began < 5:
        await asyncio.sleep(0.1)
        answer = await b.call(GO_LIVE.tool, **GO_LIVE.arguments, **yes)
    show(answer)
    _CONSOLE.print(f"    ({time.monotonic() - began:.1f} s after A was killed)")
    paused.release()


async def main() -> None:
    """Start everything, and play."""
    with _CONSOLE.status("Starting Valkey, two replicas and HAProxy"):
        opened = proxied_replicas()
        replicas = await opened.__aenter__()
    try:
        await play(replicas)
    finally:
        await opened.__aexit__(None, None, None)


if __name__ == "__main__":
    asyncio.run(main())
