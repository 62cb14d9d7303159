"""Chat messages and media uploads. They need consent only where the operator guards them."""

from collections.abc import Iterator

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operations import CreateMediaUpload, SendChatMessage
from trax_mcp.consent.plans.acts import Act, Rank, only_known
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.consent.plans.edits import new_name
from trax_mcp.consent.preview import Row
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, listed, say, sentence


class SendChatMessagePlan(Plan[SendChatMessage]):
    """Sends a chat message."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.HEALTH)

    def acts(self) -> Iterator[Act]:
        known = only_known(self.operation.platforms or ())
        yield Act(
            rank=Rank.OTHER,
            yes=f"Send it to {listed(known)}" if known else "Send the message",
            no="Don't send it",
            headline="Send a message to the chat of {}",
            verb="send",
            thing="message",
            lead="Anyone can read it.",
        )

    def rows(self) -> Iterator[Row]:
        yield Row("Message", (say(naming.quoted_whole(self.operation.text)),))
        if self.operation.platforms:
            yield Row("On", (say(naming.platforms(self.operation.platforms, whole=True)),))

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        unseen = "TRaX can't confirm that it appeared."
        if platforms := self._platforms():
            yield sentence(f"Sent to the {{}} chat of {{}}. {unseen}", platforms, self.studio)
        else:
            everywhere = f"Sent to the chat of {{}} on every platform that is on. {unseen}"
            yield sentence(everywhere, self.studio)

    def warnings_after(self, _answer: JsonObject) -> Sentences:
        if self.facts.live is False:
            yield sentence("{} is off air, so viewers may not see it.", self._subject)
        if not self.facts.all_reach_is_known:
            return
        reached = {(it.platform or "").casefold() for it in self.facts.enabled}
        asked = self.operation.platforms or ()
        missing = [it for it in asked if it.casefold() not in reached]
        if missing and "" not in reached:
            where = naming.platforms(missing)
            none = f"{where} destination" if len(missing) == 1 else f"destination on {where}"
            yield say(f"No {none} is on.")
        elif not reached:
            yield sentence("All destinations of {} are off.", self.studio)

    @property
    def _subject(self) -> Name | str:
        """The studio, to begin a sentence."""
        return self.studio if self.facts.studio.value else "The studio"

    def _platforms(self) -> str:
        """The platforms that were asked for, else those that are on, if all are known.

        TRaX's answer names none.
        """
        if self.operation.platforms:
            return naming.platforms(self.operation.platforms)
        if not self.facts.all_reach_is_known:  # those that are known may be switched off by now
            return ""
        return naming.platforms(it.platform for it in self.facts.enabled)


class CreateMediaUploadPlan(Plan[CreateMediaUpload]):
    """Reserves room for a file."""

    reads = (Fact.STUDIOS, Fact.HEALTH)

    @property
    def described(self) -> Name:
        return new_name(self.operation.filename)

    def acts(self) -> Iterator[Act]:
        yield Act(
            rank=Rank.OTHER,
            yes="Make room for the file",
            no="Don't add it",
            headline="Make room for {} in the media library",
            verb="make room for",
            thing="file",
        )

    def rows(self) -> Iterator[Row]:
        it = self.operation
        kind = naming.word(it.content_type, whole=True)
        yield Row(
            "File", (say(f"{kind}, {it.byte_size:,} byte{'' if it.byte_size == 1 else 's'}"),)
        )
        if it.folder is not None:
            yield Row("Folder", (say(naming.quoted_whole(it.folder)),))

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence(
            "Made room for {} in the media library. It stays empty until the file is uploaded.",
            naming.quoted(self.operation.filename),
        )

    def next_step(self, _observed: Observed | None) -> str:
        return "Send the file to `uploadUrl`, which is secret."
