"""What the changes of a call mean to a person, before they are sent and after. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import Operations, Preview, changes_since, show
from trax_mcp.actions.view import View
from trax_mcp.api.contract import JsonObject
from trax_mcp.studio.facts import Fact, Facts, Read
from trax_mcp.studio.naming import Sentence

_CREATED: Final = {"create_destination": Fact.DESTINATIONS, "create_source": Fact.SOURCES}


def reads_for(operations: Operations) -> Sequence[Fact]:
    """The facts that are read before the question, each once."""
    return tuple(dict.fromkeys(fact for it in operations for fact in it.all_reads))


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
    view = View(facts, now=now)
    return changes_since(earlier, {}, show(operations, view), view)


def after(operation: Change[Any], facts: Facts, data: JsonObject) -> Facts:
    """The facts as an operation leaves them. `data` has the id of what it has created."""
    left = operation.after(facts)
    fact, its_id = _CREATED.get(operation.tool_name), data.get("id")
    if fact is None or not isinstance(its_id, str):
        return left
    read: Read[Any] = left.of(fact)
    items = [it.model_copy(update={"id": its_id}) if not it.id else it for it in read.value or ()]
    changed: dict[str, Any] = {fact: replace(read, value=tuple(items))} if read.value else {}
    return left._replace(**changed)
