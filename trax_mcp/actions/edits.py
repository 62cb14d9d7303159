"""The acts that several kinds of things share: delete, turn on and off, rename, change. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from pydantic import SecretStr

from trax_mcp.actions.acts import LEAVE_IT, Act, Rank
from trax_mcp.actions.preview import Row
from trax_mcp.actions.view import ItemT
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Read
from trax_mcp.studio.naming import Name, Sentence, joined, say, sentence

AT_ONCE: Final = ", so viewers may see this at once"
_LONG_KEY: Final = 12
"""From this length on, a stream key is told by its end too."""


def new_name(name: str) -> Name:
    """A name that the caller gives. It is not a thing of TRaX's yet."""
    return naming.named(name, longest=max(len(name), 1))


def add(thing: str, of: Name, rows: Iterable[Row], *, yes: str, is_on: bool) -> Act:
    """Add a thing."""
    facts = [it.sentence for it in rows]
    return Act(
        rank=Rank.TURN_ON if is_on else Rank.OTHER,
        yes=yes,
        no="Don't add it",
        headline="Add {} to {}",
        label="Adds",
        verb="add",
        thing=thing,
        lasts=is_on,
        fact=joined([Sentence((of,)), *facts, say("on" if is_on else "off")]),
    )


def delete(thing: str, of: Name, *, yes: str, lead: str) -> Act:
    """Delete a thing."""
    return Act(
        rank=Rank.DELETE,
        yes=yes,
        no="Keep it",
        headline="Delete {} from {}",
        label="Deletes",
        verb="delete",
        thing=thing,
        lead=lead,
        lead_among="Deletions are final.",
        lead_of_many="Deletions are final.",
        fact=Sentence((of,)),
    )


def turn(thing: str, of: Name, known_platform: str, *, is_on: bool) -> Act:
    """Turn a thing on or off."""
    on, kept = ("on", "off") if is_on else ("off", "on")
    return Act(
        rank=Rank.TURN_ON if is_on else Rank.TURN_OFF,
        yes=f"Turn {on} {known_platform or f'the {thing}'}",
        no=f"Keep it {kept}",
        headline=f"Turn {on} {{}}",
        further=f"turn it {on}",
        label=f"Turns {on}",
        verb=f"turn {on}",
        thing=thing,
        platforms=(known_platform,) if known_platform else (),
        lasts=is_on,
        fact=Sentence((of,)),
    )


def rename(thing: str, of: Name, name: str) -> Act:
    """Give a thing another name."""
    return Act(
        rank=Rank.OTHER,
        yes=f"Rename the {thing}",
        no="Keep the name",
        headline="Rename {}",
        further="rename it",
        label="Renames",
        verb="rename",
        thing=thing,
        fact=sentence("{} to {}", of, new_name(name)),
    )


def change(what: str, of: Name, to: str) -> Act:
    """Change a property of a destination."""
    return Act(
        rank=Rank.OTHER,
        yes=f"Change the {what}",
        no=LEAVE_IT,
        headline=f"Change the {what} of {{}}",
        further=f"change its {what}",
        label=f"New {what}",
        verb="change",
        thing=what,
        fact=sentence("{}: {}", of, to),
    )


def key_in_words(secret: SecretStr) -> str:
    """A stream key, so that a person can tell theirs from another one, and nobody can use it."""
    key = secret.get_secret_value()
    end = f", ending in {naming.quoted(key[-4:])}" if len(key) >= _LONG_KEY else ""
    return f"{len(key)} character{'' if len(key) == 1 else 's'}{end}"


def new_stays(*, is_on: bool) -> Sentence:
    """What outlives the show of a thing that is new."""
    return say(stays(1, is_on=True) if is_on else "It stays off until you turn it on.")


def stays(number: int, *, is_on: bool) -> str:
    """What outlives the show: one or more things that are turned on or off."""
    it, stay, them = ("It", "stays", "it") if number == 1 else ("They", "stay", "them")
    return f"{it} {stay} {'on' if is_on else 'off'} for later shows until you turn {them} " + (
        "off." if is_on else "back on."
    )


def with_new(listed: Read[tuple[ItemT, ...]], item: ItemT) -> Read[tuple[ItemT, ...]]:
    """A list with one more thing. One that is not known stays so."""
    if listed.value is None:
        return listed
    return replace(listed, value=listed.value + (item,))  # noqa: RUF005  mypy knows no other way


def without(listed: Read[tuple[ItemT, ...]], its_id: str) -> Read[tuple[ItemT, ...]]:
    """A list without a thing."""
    return _each(listed, lambda it: None if it.id == its_id else it)


def changed_in(
    listed: Read[tuple[ItemT, ...]], change: Operation[Model]
) -> Read[tuple[ItemT, ...]]:
    """A list of which a call changes one thing."""
    given = change.model_dump(exclude_none=True)

    def changed(it: ItemT) -> ItemT:
        known = {name: given[name] for name in given.keys() & type(it).model_fields}
        return it.model_copy(update=known) if it.id == change.target_id() else it

    return _each(listed, changed)


def _each(
    listed: Read[tuple[ItemT, ...]], change: Callable[[ItemT], ItemT | None]
) -> Read[tuple[ItemT, ...]]:
    if listed.value is None:
        return listed
    changed = (change(it) for it in listed.value)
    return replace(listed, value=tuple(it for it in changed if it is not None))
