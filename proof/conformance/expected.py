"""What may fail, and why. Whatever else fails is unexpected, and so is any of this that passes.

A line is about a scenario as a whole, or about the checks that it names. It never excuses a message
that is not valid on the wire.
"""

from dataclasses import dataclass
from typing import Final

from proof.conformance.results import Check, Revision, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Something that fails, warns or is skipped. `checks` are all of the scenario's if left out.

    `fixture` is what the bare server has not, as `tool test_sampling`; every other line says
    `because`. `only_skipped`: the suite leaves the checks out, and nothing more is excused.
    """

    server: Server
    revisions: tuple[Revision, ...]
    scenario: str
    fixture: str = ""
    because: str = ""
    checks: frozenset[str] = frozenset()
    only_skipped: bool = False

    @property
    def reason(self) -> str:
        """Why it may fail, in a sentence; the same one for every fixture."""
        return _FOR_WANT_OF_ONE if self.fixture else self.because

    def excuses(self, check: Check) -> bool:
        """Whether this line names the check, and allows what became of it."""
        return check.id in self.checks and (check.status == "SKIPPED" or not self.only_skipped)


SCORED: Final[dict[Revision, int]] = {"2025-11-25": 30, "2026-07-28": 37}
"""How many scenarios of servers the suite scores."""

_FOR_WANT_OF_ONE: Final = (
    "Bare: needs a fixture that the suite names, which only the overlaid server has."
)
_SERVERS: Final[tuple[Server, ...]] = ("overlaid", "bare")
_EARLIER: Final[tuple[Revision, ...]] = ("2025-11-25",)
_LATER: Final[tuple[Revision, ...]] = ("2026-07-28",)
_BOTH: Final[tuple[Revision, ...]] = (*_EARLIER, *_LATER)


def _for_want_of(
    fixture: str, scenario: str, revisions: tuple[Revision, ...], *checks: str
) -> Expected:
    """A line of the bare server, which has no such fixture."""
    return Expected(
        server="bare",
        revisions=revisions,
        scenario=scenario,
        fixture=fixture,
        checks=frozenset(checks),
    )


_BARE: Final = (
    _for_want_of("prompt test_prompt_with_arguments", "completion-complete", _BOTH),
    _for_want_of("prompt test_simple_prompt", "prompts-get-simple", _BOTH),
    _for_want_of("prompt test_prompt_with_arguments", "prompts-get-with-args", _BOTH),
    _for_want_of(
        "prompt test_prompt_with_embedded_resource", "prompts-get-embedded-resource", _BOTH
    ),
    _for_want_of("prompt test_prompt_with_image", "prompts-get-with-image", _BOTH),
    _for_want_of("resource test://static-text", "resources-read-text", _BOTH),
    _for_want_of("resource test://static-binary", "resources-read-binary", _BOTH),
    _for_want_of("resource test://template/{id}/data", "resources-templates-read", _BOTH),
    _for_want_of("resource test://watched-resource", "resources-subscribe", _EARLIER),
    _for_want_of("resource test://watched-resource", "resources-unsubscribe", _EARLIER),
    _for_want_of("tool test_simple_text", "tools-call-simple-text", _BOTH),
    _for_want_of("tool test_image_content", "tools-call-image", _BOTH),
    _for_want_of("tool test_audio_content", "tools-call-audio", _BOTH),
    _for_want_of("tool test_embedded_resource", "tools-call-embedded-resource", _BOTH),
    _for_want_of("tool test_multiple_content_types", "tools-call-mixed-content", _BOTH),
    _for_want_of("tool test_error_handling", "tools-call-error", _BOTH),
    _for_want_of("tool test_tool_with_progress", "tools-call-with-progress", _BOTH),
    _for_want_of("tool test_sampling", "tools-call-sampling", _EARLIER),
    _for_want_of("tool test_elicitation", "tools-call-elicitation", _EARLIER),
    _for_want_of(
        "tool test_elicitation_sep1034_defaults", "elicitation-sep1034-defaults", _EARLIER
    ),
    _for_want_of("tool test_elicitation_sep1330_enums", "elicitation-sep1330-enums", _EARLIER),
    _for_want_of("tool json_schema_2020_12_tool", "json-schema-2020-12", _BOTH),
    # Any tool with a parameter in a header would do.
    _for_want_of("tool test_custom_header", "http-custom-header-server-validation", _LATER),
    _for_want_of(
        "tool test_missing_capability",
        "server-stateless",
        _LATER,
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-missing-capability-http-400",
    ),
    _for_want_of(
        "tool test_streaming_elicitation",
        "server-stateless",
        _LATER,
        "sep-2575-http-server-no-independent-requests-on-stream",
    ),
    _for_want_of(
        "tool test_logging_tool",
        "server-stateless",
        _LATER,
        "sep-2575-server-no-log-without-loglevel",
    ),
    *(
        _for_want_of(f"tool test_input_required_result_{tool}", f"input-required-{name}", _LATER)
        for name, tool in (
            ("result-basic-elicitation", "elicitation"),
            ("result-basic-sampling", "sampling"),
            ("result-basic-list-roots", "list_roots"),
            ("result-request-state", "request_state"),
            ("result-multiple-input-requests", "multiple_inputs"),
            ("result-multi-round", "multi_round"),
            ("result-missing-input-response", "elicitation"),
            ("result-result-type", "elicitation"),
            ("result-tampered-state", "tampered_state"),
            ("result-capability-check", "capabilities"),
            ("result-ignore-extra-params", "elicitation"),
        )
    ),
    _for_want_of(
        "prompt test_input_required_result_prompt", "input-required-result-non-tool-request", _LATER
    ),
)

_LOGGING: Final = tuple(
    Expected(
        server="bare",
        revisions=_EARLIER,
        scenario=scenario,
        because="Bare: logging over the protocol is optional and deprecated; the product logs to"
        " stderr.",
    )
    for scenario in ("logging-set-level", "tools-call-with-logging")
)

_UNCHANGING: Final = tuple(
    Expected(
        server=server,
        revisions=_LATER,
        scenario="server-stateless",
        checks=frozenset(
            {
                "sep-2575-server-sends-prompts-list-changed-on-subscription",
                "sep-2575-server-sends-tools-list-changed-on-subscription",
            }
        ),
        only_skipped=True,
        because="Skipped, which fails no scenario: the product's lists do not change, and it says"
        " so.",
    )
    for server in _SERVERS
)

_NOT_RESUMED: Final = tuple(
    Expected(
        server=server,
        revisions=_EARLIER,
        scenario="server-sse-polling",
        because="Not scored: the product keeps no events to send again, which is optional.",
    )
    for server in _SERVERS
)

_NO_TASKS: Final = tuple(
    Expected(
        server=server,
        revisions=_LATER,
        scenario=f"tasks-{scenario}",
        because="Not scored: the product does not offer the tasks extension.",
    )
    for server in _SERVERS
    for scenario in (
        "lifecycle",
        "capability-negotiation",
        "wire-fields",
        "request-state-removal",
        "mrtr-input",
        "request-headers",
        "dispatch-and-envelope",
        "status-notifications",
        "required-task-error",
        "mrtr-composition",
    )
)

EXPECTED: Final = (*_BARE, *_LOGGING, *_UNCHANGING, *_NOT_RESUMED, *_NO_TASKS)
