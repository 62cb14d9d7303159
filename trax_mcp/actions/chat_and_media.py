"""Chat messages and media uploads. They need consent only where the operator guards them."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from trax_mcp.actions.acts import Act, Rank, new_name, only_known
from trax_mcp.actions.change import Change
from trax_mcp.actions.view import Row, Sentences, View
from trax_mcp.api import arguments
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import MediaUpload, Model
from trax_mcp.api.operation import Effect
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListChatMessages,
    ListDestinations,
    ListMedia,
    ListStudios,
)
from trax_mcp.studio import naming
from trax_mcp.studio.naming import Name, listed, say, sentence


class SendChatMessage(
    Change[Model],
    endpoint="POST /v1/studios/{id}/chat/messages",
    effect=Effect.WRITE,
    shown_by=ListChatMessages,
    hint=(
        "Public at once: send only what the user asked for, without asking again. Answer viewers on"
        " their platform."
    ),
):
    wider_without: ClassVar = frozenset({"platforms"})

    studio_id: arguments.Id
    text: arguments.MessageText = Field(description="The message.")
    platforms: arguments.ShortTexts | None = None

    reads = (GetStudio, GetStreamStatus, ListDestinations, GetHealth)

    def acts(self, view: View) -> Iterator[Act]:
        known = only_known(self.platforms or ())
        yield Act(
            rank=Rank.OTHER,
            yes=f"Send it to {listed(known)}" if known else "Send the message",
            no="Don't send it",
            headline="Send a message to the chat of {}",
            verb="send",
            thing="message",
            lead="Anyone can read it.",
        )

    def rows(self, view: View) -> Iterator[Row]:
        yield Row("Message", (say(naming.quoted_whole(self.text)),))
        if self.platforms:
            yield Row("On", (say(naming.platforms(self.platforms, whole=True)),))

    def done(self, view: View, _response: JsonObject) -> Sentences:
        unseen = "TRaX can't confirm that it appeared."
        if platforms := self._platforms(view):
            yield sentence(f"Sent to the {{}} chat of {{}}. {unseen}", platforms, view.studio)
        else:
            everywhere = f"Sent to the chat of {{}} on every platform that's on. {unseen}"
            yield sentence(everywhere, view.studio)

    def warnings_after(self, view: View, _response: JsonObject) -> Sentences:
        if view.facts.live is False:
            yield sentence(
                "{} is off air, so viewers may not see it.", view.studio_or("The studio")
            )
        if not view.facts.all_reach_is_known:
            return
        reached = {(it.platform or "").casefold() for it in view.facts.enabled}
        asked = self.platforms or ()
        missing = [it for it in asked if it.casefold() not in reached]
        if missing and "" not in reached:
            where = naming.platforms(missing)
            none = f"{where} destination" if len(missing) == 1 else f"destination on {where}"
            yield say(f"No {none} is on.")
        elif not reached:
            yield sentence("All destinations of {} are off.", view.studio)

    def _platforms(self, view: View) -> str:
        """The platforms that were asked for, else those that are on, if all are known.

        TRaX's response names none.
        """
        if self.platforms:
            return naming.platforms(self.platforms)
        if not view.facts.all_reach_is_known:  # those that are known may be switched off by now
            return ""
        return naming.platforms(it.platform for it in view.facts.enabled)


class CreateMediaUpload(
    Change[MediaUpload],
    endpoint="POST /v1/media",
    effect=Effect.WRITE,
    shown_by=ListMedia,
    hint="`uploadUrl` is secret: don't show or store it.",
):
    filename: arguments.FileName = Field(description="Name of the file.")
    content_type: arguments.ShortText = Field(description="Media type, such as video/mp4.")
    byte_size: arguments.ByteSize = Field(description="Exact size in bytes.")
    folder: arguments.Path | None = Field(None, description="Folder in the library.")

    reads = (ListStudios, GetHealth)

    def described(self, view: View) -> Name:
        return new_name(self.filename)

    def acts(self, view: View) -> Iterator[Act]:
        yield Act(
            rank=Rank.OTHER,
            yes="Make room for the file",
            no="Don't add it",
            headline="Make room for {} in the media library",
            verb="make room for",
            thing="file",
        )

    def rows(self, view: View) -> Iterator[Row]:
        it = self
        kind = naming.word(it.content_type, whole=True)
        yield Row(
            "File", (say(f"{kind}, {it.byte_size:,} byte{'' if it.byte_size == 1 else 's'}"),)
        )
        if it.folder is not None:
            yield Row("Folder", (say(naming.quoted_whole(it.folder)),))

    def done(self, view: View, _response: JsonObject) -> Sentences:
        yield sentence(
            "Made room for {} in the media library. It stays empty until the file is uploaded.",
            naming.quoted(self.filename),
        )

    def next_step(self, view: View) -> str:
        return "Send the file to `uploadUrl`, which is secret."
