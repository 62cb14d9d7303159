"""The model of a client, played by a script: what it says depends on what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from proof.clients.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proof.clients.dialects import Call, Dialect

_FEW_TOOLS: Final = 4
"""A request that offers fewer wants a title or a summary."""


class Step(NamedTuple):
    """A call of one of trax-mcp's tools."""

    tool: str
    arguments: dict[str, Any]


class Turn(NamedTuple):
    """What a person said, and what the calls since then have answered."""

    prompt: str
    results: Sequence[str]


Script: TypeAlias = "Callable[[Sequence[Turn]], Step | str]"
"""What the model does in the last turn: a call, or the text that ends the turn."""


class ScriptedModel(Endpoint):
    """A model on loopback. Only the prompts of the script count as what a person said."""

    def __init__(
        self, prompts: Sequence[str], script: Script, named: Callable[[Step], Call]
    ) -> None:
        """Answer from now on."""
        self._prompts, self._script, self._named = prompts, script, named
        self.ended = 0
        """How many turns have ended."""
        self.last_text = ""
        """What was said at the end of the last."""
        super().__init__()

    def answer(self, dialect: Dialect, body: dict[str, Any]) -> Call | str:
        """What it says next in a conversation."""
        if len(body.get("tools") or ()) < _FEW_TOOLS:
            return "The Friday show"
        turns: list[Turn] = []
        for who, text in dialect.said(body):
            if who == "tool" and turns:
                turns[-1] = Turn(turns[-1].prompt, [*turns[-1].results, text])
            elif who == "user" and (prompt := self._prompt_in(text)):
                turns.append(Turn(prompt, []))
        if not turns:
            return "Hello."
        answer = self._script(turns)
        if isinstance(answer, str):
            self.ended = max(self.ended, len(turns))
            self.last_text = answer
            return answer
        return self._named(answer)

    def _prompt_in(self, text: str) -> str | None:
        return next((it for it in self._prompts if it in text), None)
