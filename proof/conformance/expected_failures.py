"""The list of checks that may fail, with reasons. A listed check that passes is an error too.

An entry is for a whole scenario, or for the checks that it names. It never excuses a message that
is invalid on the wire.
"""

from dataclasses import dataclass
from typing import Final

from proof.conformance.suite_results import Check, Revision, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Checks that fail, warn or are skipped; all checks of the scenario if `checks` is empty.

    `fixture` is what the bare server does not have, such as `tool test_sampling`; other entries
    have `because`. `only_skipped`: only a skip is excused.
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
        """The reason as a sentence; the same one for every fixture."""
        return _MISSING_FIXTURE if self.fixture else self.because

    def excuses(self, check: Check) -> bool:
        """Whether this entry names the check and allows its status."""
        return check.id in self.checks and (check.status == "SKIPPED" or not self.only_skipped)


SCORED: Final[dict[Revision, int]] = {"2025-11-25": 30, "2026-07-28": 37}
"""The number of server scenarios that the suite scores."""

_MISSING_FIXTURE: Final = (
    "Bare: needs a fixture that the suite names, which only the overlaid server has."
)
_SERVERS: Final[tuple[Server, ...]] = ("overlaid", "bare")
_EARLIER: Final[tuple[Revision, ...]] = ("2025-11-25",)
_LATER: Final[tuple[Revision, ...]] = ("2026-07-28",)
_BOTH: Final[tuple[Revision, ...]] = (*_EARLIER, *_LATER)


def _without_fixture(
    fixture: str, scenario: str, revisions: tuple[Revision, ...], *checks: str
) -> Expected:
    """An entry for the bare server, which does not have the fixture."""
    return Expected(
        server="bare",
        revisions=revisions,
        scenario=scenario,
        fixture=fixture,
        checks=frozenset(checks),
    )


_BARE: Final = (
    _without_fixture("prompt test_prompt_with_arguments", "completion-complete", _BOTH),
    _without_fixture("prompt test_simple_prompt", "prompts-get-simple", _BOTH),
    _without_fixture("prompt test_prompt_with_arguments", "prompts-get-with-args", _BOTH),
    _without_fixture(
        "prompt test_prompt_with_embedded_resource", "prompts-get-embedded-resource", _BOTH
    ),
    _without_fixture("prompt test_prompt_with_image", "prompts-get-with-image", _BOTH),
    _without_fixture("resource test://static-text", "resources-read-text", _BOTH),
    _without_fixture("resource test://static-binary", "resources-read-binary", _BOTH),
    _without_fixture("resource test://template/{id}/data", "resources-templates-read", _BOTH),
    _without_fixture("resource test://watched-resource", "resources-subscribe", _EARLIER),
    _without_fixture("resource test://watched-resource", "resources-unsubscribe", _EARLIER),
    _without_fixture("tool test_simple_text", "tools-call-simple-text", _BOTH),
    _without_fixture("tool test_image_content", "tools-call-image", _BOTH),
    _without_fixture("tool test_audio_content", "tools-call-audio", _BOTH),
    _without_fixture("tool test_embedded_resource", "tools-call-embedded-resource", _BOTH),
    _without_fixture("tool test_multiple_content_types", "tools-call-mixed-content", _BOTH),
    _without_fixture("tool test_error_handling", "tools-call-error", _BOTH),
    _without_fixture("tool test_tool_with_progress", "tools-call-with-progress", _BOTH),
    _without_fixture("tool test_sampling", "tools-call-sampling", _EARLIER),
    _without_fixture("tool test_elicitation", "tools-call-elicitation", _EARLIER),
    _without_fixture(
        "tool test_elicitation_sep1034_defaults", "elicitation-sep1034-defaults", _EARLIER
    ),
    _without_fixture("tool test_elicitation_sep1330_enums", "elicitation-sep1330-enums", _EARLIER),
    _without_fixture("tool json_schema_2020_12_tool", "json-schema-2020-12", _BOTH),
    # Any tool with a parameter in a header would be sufficient.
    _without_fixture("tool test_custom_header", "http-custom-header-server-validation", _LATER),
    _without_fixture(
        "tool test_missing_capability",
        "server-stateless",
        _LATER,
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-missing-capability-http-400",
    ),
    _without_fixture(
        "tool test_streaming_elicitation",
        "server-stateless",
        _LATER,
        "sep-2575-http-server-no-independent-requests-on-stream",
    ),
    _without_fixture(
        "tool test_logging_tool",
        "server-stateless",
        _LATER,
        "sep-2575-server-no-log-without-loglevel",
    ),
    *(
        _without_fixture(
            f"tool test_input_required_result_{tool}", f"input-required-{name}", _LATER
        )
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
    _without_fixture(
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

_STATIC_LISTS: Final = tuple(
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

EXPECTED: Final = (*_BARE, *_LOGGING, *_STATIC_LISTS, *_NOT_RESUMED, *_NO_TASKS)
