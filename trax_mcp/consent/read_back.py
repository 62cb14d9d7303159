"""Reads back a switch that a call has turned, where TRaX's response was lost."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from trax_mcp.actions.change import NOT_CHANGED
from trax_mcp.actions.destinations import UpdateDestination
from trax_mcp.actions.sources import UpdateSource
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Destination, Model, Source, read_switch
from trax_mcp.api.operation import ListOperation, Operation
from trax_mcp.api.reads import ListDestinations, ListSources
from trax_mcp.api.responses import Response
from trax_mcp.consent.calls import Call, Sent
from trax_mcp.consent.parts import Parts
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.reading import FactReader

_Switch = tuple[type[ListOperation[Any]], str]


async def read_back(
    parts: Parts, call: Call, operation: Operation[Model], sent: TraxError
) -> tuple[Sent, str | None]:
    """What became of a switch whose response was lost, by a read, and how it was lost.

    If the read shows something else, the change may still come: the failure says so.
    """
    switch = _switch(operation)
    if switch is None:
        return sent, None
    kind, name = switch
    facts, reader = Facts(), FactReader(parts.client, call.caller, call.studio, quick=True)
    with suppress(TraxError):
        facts = await reader.read((kind,))
    listed: tuple[Destination | Source, ...] = facts[kind].value or ()
    found = next((it for it in listed if it.id == operation.target_id()), None)
    if found is None:
        return sent, None
    shown = found.model_dump(by_alias=True, exclude_unset=True)
    asked = {it: value for it, value in operation.arguments().items() if it in shown}
    if name in asked and all(shown[it] == value for it, value in asked.items()):
        return Response(shown, sent.request_id or "", status=0, size=0), _lost(sent)
    is_on = read_switch(shown.get(name))
    was = ", and whether it's on couldn't be read right after"
    if is_on is not None:
        was = f", but it was {'on' if is_on else 'off'} right after"
    return replace(sent, not_done=f"{sent.not_done}{was}"), None


def _switch(operation: Operation[Model]) -> _Switch | None:
    """The list that shows a switch which an operation turns, and its name there. Else None.

    Only of one that changes nothing else but a name: no read shows the rest reliably.
    """
    match operation:
        case UpdateDestination(enabled=bool()):
            switch: _Switch = ListDestinations, "enabled"
        case UpdateSource(active=bool()):
            switch = ListSources, "active"
        case _:
            return None
    changed = {it for it in operation.arguments() if not it.endswith("Id")}
    return switch if changed <= {switch[1], "name"} else None


def _lost(sent: TraxError) -> str:
    """How a response was lost: it did not come, or shows otherwise than was asked for."""
    return sent.told.replace(NOT_CHANGED, "TRaX answered that ", 1)
