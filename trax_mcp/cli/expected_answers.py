"""The models that the demo's client validates answers with, where they add to TRaX's own."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trax_mcp.api.models import (
    ChatMessage,
    Destination,
    GoLiveResult,
    GoOfflineResult,
    Page,
    Studio,
)


class StudioList(Page[Studio]):
    """A page of studios. The demo prints the class name if an answer is invalid."""


class DestinationList(Page[Destination]):
    """A page of destinations."""


class QuotedChat(Page[ChatMessage]):
    """Chat messages; the first field is the notice that viewers wrote them."""

    notice: str

    @model_validator(mode="before")
    @classmethod
    def _check_notice_is_first(cls, answer: object) -> object:
        if not isinstance(answer, dict) or next(iter(answer), None) != "notice":
            raise ValueError("the notice does not come first")
        return answer


class Observed(BaseModel):
    """The state that the server observed after a call."""

    model_config = ConfigDict(frozen=True)

    state: str
    since: str | None = None


class Begun(GoLiveResult):
    """The result of a go-live and the state after it."""

    observed: Observed


class Ended(GoOfflineResult):
    """The result of a go-offline and the state after it."""

    observed: Observed


class Refusal(BaseModel):
    """A guarded call that did not run. `shown` is the part of its text that is for a person."""

    model_config = ConfigDict(frozen=True)

    status: str
    reason: str | None = None
    message: str
    confirmation: str | None = None
    expires_at: str | None = Field(None, alias="expiresAt")
    shown: str = ""

    @property
    def code(self) -> str:
        """Status and reason."""
        return f"{self.status}: {self.reason}" if self.reason else self.status

    @property
    def why(self) -> str:
        """The first sentence of the message."""
        first, stop, _ = self.message.partition(". ")
        return first + stop.rstrip()

    @classmethod
    def read(cls, structured: object, text: str) -> Self:
        """Read a result from its structured content and its text.

        Raises:
            ValidationError: it is not a refusal.
        """
        refusal = cls.model_validate(structured)
        _, _, rest = text.partition("\n\n")
        shown, _, _ = rest.partition("\n\nconfirm: true")
        return refusal.model_copy(update={"shown": shown})


class Choice(BaseModel):
    """A choice of two values without a default."""

    model_config = ConfigDict(frozen=True)

    enum: tuple[str, str]
    default: None = None


class Form(BaseModel):
    """A form with one required choice."""

    model_config = ConfigDict(frozen=True)

    properties: dict[str, Choice]
    required: tuple[str]

    @model_validator(mode="after")
    def _check_single_field(self) -> Self:
        if self.properties.keys() != set(self.required):
            raise ValueError("it asks for more than one choice")
        return self

    @property
    def choices(self) -> tuple[str, str]:
        """The two values; the first is consent."""
        return self.properties[self.required[0]].enum

    def answer(self, choice: str) -> dict[str, str]:
        """The content that a client returns."""
        return {self.required[0]: choice}
