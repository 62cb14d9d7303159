"""Chat messages and media uploads. They need consent only where the operator guards them."""

from trax_mcp.api.operations import CreateMediaUpload, SendChatMessage
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact
from trax_mcp.studio.naming import sentence


class SendChatMessagePlan(Plan[SendChatMessage]):
    """Sends a chat message."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.HEALTH)

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
        yield from self.each_argument(
            "Sets its {} to {}.", without=("filename", "contentType", "byteSize")
        )

    def choice(self) -> str:
        return f"Reserve room for {naming.quoted(self.operation.filename)}"
