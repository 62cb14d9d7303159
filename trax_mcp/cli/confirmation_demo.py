"""The demo with a client without forms: consent is sent with the call, as a confirmation.

It also sends confirmations that must be refused: an invented one, one for a preview that has
changed, and a used one.
"""

from typing import Final, Self

import anyio

from trax_mcp.api.models import Destination
from trax_mcp.cli.checked_calls import ToolCaller, Unexpected
from trax_mcp.cli.demo_output import DemoOutput, plain
from trax_mcp.cli.expected_answers import Begun, DestinationList, Refusal, StudioList
from trax_mcp.cli.form_demo import check_observed, check_reach, describe_destinations, find_studio

_TITLE: Final = "Your assistant shows you"
_INVENTED: Final = "the-host-said-yes"
_NEW_EFFECT: Final = "- Now: "
_MAX_LENGTH = 40


class ConfirmationDemo:
    """The steps, in one studio."""

    def __init__(self, tools: ToolCaller, output: DemoOutput, studio_id: str) -> None:
        self._tools = tools
        self._output = output
        self._target = {"studioId": studio_id}

    @classmethod
    async def find(cls, tools: ToolCaller, output: DemoOutput) -> Self:
        """Find the studio.

        Raises:
            Unexpected: there is no such studio.
        """
        output.scene("Be shown, and decide")
        return cls(
            tools, output, find_studio(await tools.call_silently(StudioList, "list_studios")).id
        )

    async def play(self) -> None:
        """Run all steps.

        Raises:
            Unexpected: a step is not as expected.
        """
        confirmation = await self._preview()
        confirmation = await self._change_preview(confirmation)
        await self._go_live(confirmation)

    async def _preview(self) -> str:
        self._output.you("Take the Friday show live.")
        refusal = await self._expect_refusal("confirmation_required")
        self._output.preview(_TITLE, refusal.shown)
        confirmation = self._confirmation(refusal)
        self._output.narrate("A model that makes up your yes gets nowhere:")
        await self._expect_refusal("confirmation_invalid: expired", confirmation=_INVENTED)
        return confirmation

    async def _change_preview(self, confirmation: str) -> str:
        self._output.scene("A yes is to what you saw")
        added = await self._enable_destination()
        self._output.you("Yes, go.")
        refusal = await self._expect_refusal(
            "confirmation_invalid: changed", confirmation=confirmation
        )
        if (
            _NEW_EFFECT not in refusal.shown
            or added.name not in refusal.shown.partition(_NEW_EFFECT)[2]
        ):
            raise Unexpected("You are shown what has changed.", seen=refusal.shown)
        self._output.preview(_TITLE, refusal.shown)
        return self._confirmation(refusal)

    async def _enable_destination(self) -> Destination:
        destinations = await self._tools.call_silently(
            DestinationList, "list_destinations", **self._target
        )
        disabled = next((it for it in destinations.data if not it.enabled), None)
        if disabled is None:
            raise Unexpected(
                "A destination is switched off.", seen=describe_destinations(destinations.data)
            )
        self._output.narrate(
            "Meanwhile somebody switches a destination on; off air, nobody is asked:"
        )
        changed = {**self._target, "destId": disabled.id, "enabled": True}
        await self._tools.call(Destination, "update_destination", **changed)
        self._output.answer("Done.")
        return disabled

    async def _go_live(self, confirmation: str) -> None:
        self._output.you("There too? All right, go.")
        agreed_at = anyio.current_time()
        yes = {**self._target, "confirm": True, "confirmation": confirmation}
        result = await self._tools.call(Begun, "go_live", **yes)
        destinations = await self._tools.call_silently(
            DestinationList, "list_destinations", **self._target
        )
        check_reach(result, [it for it in destinations.data if it.enabled])
        self._output.answer(f"Begun, to {describe_destinations(destinations.data)}.")
        check_observed(result.observed, live=True)
        seconds = anyio.current_time() - agreed_at
        self._output.status(f"observed, {seconds:.1f} s after your yes", live=True)
        self._output.narrate("And if the same yes is sent once more:")
        await self._expect_refusal("confirmation_invalid: used", confirmation=confirmation)
        self._output.checked("One yes, one go-live.")

    async def _expect_refusal(self, code: str, *, confirmation: str | None = None) -> Refusal:
        yes = {} if confirmation is None else {"confirm": True, "confirmation": confirmation}
        return await self._tools.expect_refusal(code, "go_live", **self._target, **yes)

    def _confirmation(self, refusal: Refusal) -> str:
        """The confirmation of a preview, which the model sends after consent."""
        if refusal.confirmation is None or refusal.expires_at is None:
            raise Unexpected("The preview comes with a confirmation.", seen=refusal.message)
        confirmation, (_, _, until) = refusal.confirmation, refusal.expires_at.partition("T")
        until = _shorten(until[:8])
        self._output.aside(
            f'For the model: confirmation "{_shorten(confirmation)}", until {until} UTC'
        )
        return confirmation


def _shorten(text: str) -> str:
    return plain(text, longest=_MAX_LENGTH)
