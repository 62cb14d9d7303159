"""The suite's names that the product's own tools, prompts and resources can serve.

The other fixtures are in `tool_fixtures`, `asking_fixtures` and `content_fixtures`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ProductTool:
    """A tool of the product, with its arguments.

    `refusal` is the status of a result that the suite expects as a JSON-RPC error.
    """

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ProductPrompt:
    """A prompt of the product: the names of its arguments in the suite, and fixed arguments."""

    prompt: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)


_GUARDED: Final = ProductTool("go_live", {"studioId": "studio_42"})
"""Asks the user. The suite never confirms, so the studio never goes on air."""

TOOLS: Final[Mapping[str, ProductTool]] = {
    "test_simple_text": ProductTool("list_studios"),
    "test_error_handling": ProductTool("get_studio", {"studioId": "studio_of_nobody"}),
    "test_elicitation": _GUARDED,
    "test_streaming_elicitation": _GUARDED,
    "test_input_required_result_request_state": _GUARDED,
    # The product refuses an unknown state in the result, where a model can read the reason. The
    # specification does not say how; the suite expects an error.
    "test_input_required_result_tampered_state": replace(_GUARDED, refusal="confirmation_invalid"),
}

PROMPTS: Final[Mapping[str, ProductPrompt]] = {
    "test_simple_prompt": ProductPrompt("go_live", arguments={"studio": "studio_42"}),
    "test_prompt_with_arguments": ProductPrompt(
        "troubleshoot", {"arg1": "studio", "arg2": "trouble"}
    ),
}

RESOURCES: Final[Mapping[str, str]] = {
    "test://static-text": "trax://openapi.json",
    "test://watched-resource": "trax://studios/studio_42/chat",
}
