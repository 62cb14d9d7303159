"""The same evening with a client that cannot ask: a yes travels with the call, as a confirmation.

It tries what must not work, an invented one, one for what has changed, a used one, and then what
must. Like the scenes it starts no server and does not know how a story looks.
"""

from typing import Final, Self

import anyio

from trax_mcp.api.models import Destination, DestinationList, StudioList
from trax_mcp.cli.answers import Begun, Refusal
from trax_mcp.cli.scenes import check_observed, check_reach, places, the_studio
from trax_mcp.cli.story import Story, plain
from trax_mcp.cli.toolbox import Toolbox, Unexpected

_SHOWN: Final = "Your assistant shows you"
_INVENTED: Final = "the-host-said-yes"
_NEW: Final = "- Now: "
_LONGEST_WORD = 40


class Encore:
    """One studio, shown and agreed to in words."""

    def __init__(self, tools: Toolbox, story: Story, studio_id: str) -> None:
        self._tools = tools
        self._story = story
        self._target = {"studioId": studio_id}

    @classmethod
    async def find(cls, tools: Toolbox, story: Story) -> Self:
        """Find the same studio.

        Raises:
            Unexpected: it is not there.
        """
        story.scene("Be shown, and decide")
        return cls(tools, story, the_studio(await tools.look(StudioList, "list_studios")).id)

    async def play(self) -> None:
        """Play it.

        Raises:
            Unexpected: a step is not as it should be.
        """
        confirmation = await self._be_shown()
        confirmation = await self._change_meanwhile(confirmation)
        await self._go_live(confirmation)

    async def _be_shown(self) -> str:
        self._story.you("Take the Friday show live.")
        refusal = await self._refused("confirmation_required")
        self._story.shown(_SHOWN, refusal.shown)
        confirmation = self._confirmation(refusal)
        self._story.narrate("A model that makes up your yes gets nowhere:")
        await self._refused("confirmation_invalid: expired", confirmation=_INVENTED)
        return confirmation

    async def _change_meanwhile(self, confirmation: str) -> str:
        self._story.scene("A yes is to what you saw")
        added = await self._switch_on()
        self._story.you("Yes, go.")
        refusal = await self._refused("confirmation_invalid: changed", confirmation=confirmation)
        if _NEW not in refusal.shown or added.name not in refusal.shown.partition(_NEW)[2]:
            raise Unexpected("You are shown what has changed.", seen=refusal.shown)
        self._story.shown(_SHOWN, refusal.shown)
        return self._confirmation(refusal)

    async def _switch_on(self) -> Destination:
        listed = await self._tools.look(DestinationList, "list_destinations", **self._target)
        off = next((it for it in listed.data if not it.enabled), None)
        if off is None:
            raise Unexpected("A destination is switched off.", seen=places(listed.data))
        self._story.narrate(
            "Meanwhile somebody switches a destination on; off air, nobody is asked:"
        )
        changed = {**self._target, "destId": off.id, "enabled": True}
        await self._tools.call(Destination, "update_destination", **changed)
        self._story.answer("Done.")
        return off

    async def _go_live(self, confirmation: str) -> None:
        self._story.you("There too? All right, go.")
        agreed_at = anyio.current_time()
        yes = {**self._target, "confirm": True, "confirmation": confirmation}
        begun = await self._tools.call(Begun, "go_live", **yes)
        listed = await self._tools.look(DestinationList, "list_destinations", **self._target)
        check_reach(begun, [it for it in listed.data if it.enabled])
        self._story.answer(f"Begun, to {places(listed.data)}.")
        check_observed(begun.observed, live=True)
        seconds = anyio.current_time() - agreed_at
        self._story.status(f"observed, {seconds:.1f} s after your yes", live=True)
        self._story.narrate("And if the same yes is sent once more:")
        await self._refused("confirmation_invalid: used", confirmation=confirmation)
        self._story.checked("One yes, one go-live.")

    async def _refused(self, code: str, *, confirmation: str | None = None) -> Refusal:
        yes = {} if confirmation is None else {"confirm": True, "confirmation": confirmation}
        return await self._tools.refused(code, "go_live", **self._target, **yes)

    def _confirmation(self, refusal: Refusal) -> str:
        """What a preview gives the model to send after a yes."""
        if refusal.confirmation is None or refusal.expires_at is None:
            raise Unexpected("The preview comes with a confirmation.", seen=refusal.message)
        given, (_, _, until) = refusal.confirmation, refusal.expires_at.partition("T")
        self._story.aside(
            f'For the model: confirmation "{_word(given)}", until {_word(until[:8])} UTC'
        )
        return given


def _word(words: str) -> str:
    return plain(words, longest=_LONGEST_WORD)
