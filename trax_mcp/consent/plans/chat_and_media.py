"""Chat messages and media uploads. They need consent only where the operator guards them."""

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operations import CreateMediaUpload, SendChatMessage
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import sentence


class SendChatMessagePlan(Plan[SendChatMessage]):
    """Sends a chat message."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.HEALTH)
    reads_after = (Fact.STATUS, Fact.DESTINATIONS)

    def effects(self) -> Sentences:
        platforms = self.operation.platforms
        yield sentence(
            "Says in the public chat of {}{}: {}.",
            self.studio,
            f" on {naming.platforms(platforms, whole=True)}" if platforms else "",
            naming.quoted_whole(self.operation.text),
        )

    def choice(self) -> str:
        return f"Send the message to the chat of {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence(
            "TRaX accepted the message for the chat of {} on {}; whether each platform shows it is"
            " not known.",
            self.studio,
            self._platforms(),
        )
        if self.facts.live is False:
            yield sentence("Warning: {} is off air, so viewers may not see it.", self.studio)
        if not self.facts.destinations.is_whole:
            return
        reached = {it.platform.casefold() for it in self.facts.enabled}
        asked = self.operation.platforms or ()
        missing = [it for it in asked if it.casefold() not in reached]
        if missing:
            yield sentence(
                "Warning: {} has no destination on {} that is switched on.",
                self.studio,
                naming.platforms(missing),
            )
        elif not reached:
            yield sentence("Warning: {} has no destination that is switched on.", self.studio)

    def _platforms(self) -> str:
        """The platforms that were asked for. TRaX's answer names none."""
        if self.operation.platforms:
            return naming.platforms(self.operation.platforms)
        if not self.facts.destinations.is_whole:  # those that are known may be switched off by now
            return "every platform that is switched on"
        enabled = naming.platforms(it.platform for it in self.facts.enabled)
        return f"every platform that is switched on{f' ({enabled})' if enabled else ''}"


class CreateMediaUploadPlan(Plan[CreateMediaUpload]):
    """Reserves room for a file."""

    reads = (Fact.STUDIOS, Fact.HEALTH)

    def effects(self) -> Sentences:
        yield sentence(
            "Reserves room in the media library for the file {} ({}, {} bytes).",
            naming.quoted_whole(self.operation.filename),
            naming.word(self.operation.content_type, whole=True),
            str(self.operation.byte_size),
        )
        yield from self.each_argument(without=("filename", "contentType", "byteSize"))

    def choice(self) -> str:
        return f"Reserve room for {naming.quoted(self.operation.filename)}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence(
            "Reserved room in the media library for the file {}. It is empty until the file is sent"
            " to `uploadUrl`.",
            naming.quoted(self.operation.filename),
        )
