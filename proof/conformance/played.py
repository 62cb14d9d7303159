"""Names that the suite calls for and the product itself can answer: which of its own does it.

Whatever stands here is judged with the product's own handlers. Data only: the rest of what the
suite wants is made up in `made_up`, `asking` and `contents`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class OwnTool:
    """A tool of the product, with all that it takes.

    `refusal` is the status of a result that the suite wants to be told as a JSON-RPC error.
    """

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A prompt of the product: what the suite calls its arguments, and what is always given."""

    prompt: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


_GUARDED: Final = OwnTool("go_live", {"studioId": "studio_42"})
"""Asks a person. The suite's answers are never a yes, so nobody ever goes on air."""

TOOLS: Final[Mapping[str, OwnTool]] = {
    "test_simple_text": OwnTool("list_studios"),
    "test_error_handling": OwnTool("get_studio", {"studioId": "studio_of_nobody"}),
    "test_elicitation": _GUARDED,
    "test_streaming_elicitation": _GUARDED,
    "test_input_required_result_request_state": _GUARDED,
    # A state that was never given out is refused in the result, where a model reads why. The
    # specification says that it must be refused, and not how; the suite takes an error only.
    "test_input_required_result_tampered_state": replace(_GUARDED, refusal="confirmation_invalid"),
}

PROMPTS: Final[Mapping[str, Filled]] = {
    "test_simple_prompt": Filled("go_live", given={"studio": "studio_42"}),
    "test_prompt_with_arguments": Filled("troubleshoot", {"arg1": "studio", "arg2": "trouble"}),
}

RESOURCES: Final[Mapping[str, str]] = {
    "test://static-text": "trax://openapi.json",
    "test://watched-resource": "trax://studios/studio_42/chat",
}
