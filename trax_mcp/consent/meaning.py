"""What the changes of a call mean to a person, before they are sent and after. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import Operations, Preview, changes_since, show
from trax_mcp.actions.view import View
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.reads import ListDestinations, ListSources
from trax_mcp.studio.facts import Facts, Kind
from trax_mcp.studio.naming import Sentence

_CREATED: Final[Mapping[str, type[ListOperation[Any]]]] = {
    "create_destination": ListDestinations,
    "create_source": ListSources,
}


def reads_for(operations: Operations) -> Sequence[Kind]:
    """What is read before the question, each once."""
    return tuple(dict.fromkeys(kind for it in operations for kind in it.all_reads))


def says(operations: Operations, facts: Facts, now: datetime) -> Sequence[object]:
    """The sentences of what is shown, with all that they name, in an order of their own.

    Raises:
        NotSent: what an operation acts on is not there.
    """
    shown = show(operations, View(facts, now=now)).shown
    return sorted((it.text, [(name.id, name.rest) for name in it.names]) for it in shown)


def differences(
    operations: Operations, facts: Facts, now: datetime, earlier: Preview
) -> tuple[Sentence, ...]:
    """What is shown now, and was not in an earlier preview of the same, and the other way round."""
    return changes_since(earlier, show(operations, View(facts, now=now)))


def after(operation: Change[Any], facts: Facts, data: JsonObject) -> Facts:
    """The facts as an operation leaves them. `data` has the id of what it has created."""
    left = operation.after(facts)
    kind, its_id = _CREATED.get(operation.tool_name), data.get("id")
    if kind is None or not isinstance(its_id, str):
        return left
    return left.changing(
        kind, lambda them: (it if it.id else it.model_copy(update={"id": its_id}) for it in them)
    )
