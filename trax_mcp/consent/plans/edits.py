"""The acts that several kinds of things share: delete, turn on and off, rename, change. Pure."""

from trax_mcp.consent.plans.acts import Act, Rank
from trax_mcp.consent.plans.base import LEAVE_IT
from trax_mcp.studio import naming
from trax_mcp.studio.naming import Name, Sentence, sentence


def new_name(name: str) -> Name:
    """A name that the caller gives. It is not a thing of TRaX's yet."""
    return naming.named(name, longest=max(len(name), 1))


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
