"""What the demo's client expects of answers, where that is more than TRaX's own shape.

Values and their checks. Nothing here asks for anything, or knows what it is for.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trax_mcp.api.models import ChatMessageList, GoLiveResult, GoOfflineResult


class QuotedChat(ChatMessageList):
    """Chat as this server gives it: first of all, whose words they are."""

    notice: str

    @model_validator(mode="before")
    @classmethod
    def _notice_first(cls, answer: object) -> object:
        if not isinstance(answer, dict) or next(iter(answer), None) != "notice":
            raise ValueError("the notice does not come first")
        return answer


class Observed(BaseModel):
    """What the server saw after it had sent: not what should be, but what is."""

    model_config = ConfigDict(frozen=True)

    state: str
    since: str | None = None


class Begun(GoLiveResult):
    """A go-live that was sent, and what came of it."""

    observed: Observed


class Ended(GoOfflineResult):
    """A go-offline that was sent, and what came of it."""

    observed: Observed


class Refusal(BaseModel):
    """A guarded call that did not run: why, in a sentence, and what a person is to be shown.

    `shown` is the server's own text, less the sentences for the model around it.
    """

    model_config = ConfigDict(frozen=True)

    status: str
    reason: str | None = None
    message: str
    confirmation: str | None = None
    expires_at: str | None = Field(None, alias="expiresAt")
    shown: str = ""

    @property
    def code(self) -> str:
        """Status and reason in a word or two."""
        return f"{self.status}: {self.reason}" if self.reason else self.status

    @property
    def why(self) -> str:
        """The first sentence of the message: what was not done, and why."""
        first, stop, _ = self.message.partition(". ")
        return first + stop.rstrip()

    @classmethod
    def read(cls, structured: object, text: str) -> Self:
        """Read an answer, from its structured content and from its text.

        Raises:
            ValidationError: it does not say why the call did not run.
        """
        refusal = cls.model_validate(structured)
        _, _, rest = text.partition("\n\n")
        shown, _, _ = rest.partition("\n\nconfirm: true")
        return refusal.model_copy(update={"shown": shown})


class Choice(BaseModel):
    """A choice between two, with neither made already."""

    model_config = ConfigDict(frozen=True)

    enum: tuple[str, str]
    default: None = None


class Form(BaseModel):
    """What a form asks for: one choice, which must be made."""

    model_config = ConfigDict(frozen=True)

    properties: dict[str, Choice]
    required: tuple[str]

    @model_validator(mode="after")
    def _one_field(self) -> Self:
        if self.properties.keys() != set(self.required):
            raise ValueError("it asks for more than one choice")
        return self

    @property
    def choices(self) -> tuple[str, str]:
        """The act in words, and the other choice."""
        return self.properties[self.required[0]].enum

    def filled_in(self, choice: str) -> dict[str, str]:
        """What a client sends back."""
        return {self.required[0]: choice}
