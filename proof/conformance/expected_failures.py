"""The tables of failures that are expected, with reasons. One that does not occur is an error too.

A name is that of a scenario, or of one check and how it fails.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from proof.conformance.suite import Revision, Server

_FIXTURE: Final = "Bare: needs a fixture that the suite names, which only the overlaid server has."
_LOGGING: Final = (
    "Bare: logging over the protocol is optional and deprecated; the product logs to stderr."
)
_STATIC_LISTS: Final = (
    "Skipped, which fails no scenario: the product's lists do not change, and it says so."
)
_NOT_RESUMED: Final = "Not scored: the product keeps no events to send again, which is optional."
_NO_TASKS: Final = "Not scored: the product does not offer the tasks extension."

REASONS: Final = (_FIXTURE, _LOGGING, _STATIC_LISTS, _NOT_RESUMED, _NO_TASKS)


def _table(reason: str, names: Iterable[str]) -> Mapping[str, str]:
    return dict.fromkeys(names, reason)


_BARE: Final = _table(
    _FIXTURE,
    (
        "completion-complete",
        "json-schema-2020-12",
        "prompts-get-embedded-resource",
        "prompts-get-simple",
        "prompts-get-with-args",
        "prompts-get-with-image",
        "resources-read-binary",
        "resources-read-text",
        "resources-templates-read",
        "tools-call-audio",
        "tools-call-embedded-resource",
        "tools-call-error",
        "tools-call-image",
        "tools-call-mixed-content",
        "tools-call-simple-text",
        "tools-call-with-progress",
    ),
)
_BARE_EARLIER: Final = {
    **_BARE,
    **_table(
        _FIXTURE,
        (
            "elicitation-sep1034-defaults",
            "elicitation-sep1330-enums",
            "resources-subscribe",
            "resources-unsubscribe",
            "tools-call-elicitation",
            "tools-call-sampling",
        ),
    ),
    **_table(_LOGGING, ("logging-set-level", "tools-call-with-logging")),
}
_BARE_LATER: Final = {
    **_BARE,
    **_table(
        _FIXTURE,
        (
            # Any tool with a parameter in a header would be sufficient.
            "http-custom-header-server-validation",
            "input-required-result-basic-elicitation",
            "input-required-result-basic-list-roots",
            "input-required-result-basic-sampling",
            "input-required-result-capability-check",
            "input-required-result-ignore-extra-params",
            "input-required-result-missing-input-response",
            "input-required-result-multi-round",
            "input-required-result-multiple-input-requests",
            "input-required-result-non-tool-request",
            "input-required-result-request-state",
            "input-required-result-result-type",
            "input-required-result-tampered-state",
            "server-stateless: sep-2575-http-server-no-independent-requests-on-stream fails",
            "server-stateless: sep-2575-missing-capability-http-400 fails",
            "server-stateless: sep-2575-server-no-log-without-loglevel fails",
            "server-stateless: sep-2575-server-rejects-undeclared-capability fails",
        ),
    ),
}
_BOTH_EARLIER: Final = {"server-sse-polling": _NOT_RESUMED}
_BOTH_LATER: Final = {
    **_table(
        _NO_TASKS,
        (
            "tasks-capability-negotiation",
            "tasks-dispatch-and-envelope",
            "tasks-lifecycle",
            "tasks-mrtr-composition",
            "tasks-mrtr-input",
            "tasks-request-headers",
            "tasks-request-state-removal",
            "tasks-required-task-error",
            "tasks-status-notifications",
            "tasks-wire-fields",
        ),
    ),
    **_table(
        _STATIC_LISTS,
        (
            f"server-stateless: sep-2575-server-sends-{it}-list-changed-on-subscription is skipped"
            for it in ("prompts", "tools")
        ),
    ),
}

EXPECTED: Final[Mapping[tuple[Server, Revision], Mapping[str, str]]] = {
    ("overlaid", "2025-11-25"): _BOTH_EARLIER,
    ("overlaid", "2026-07-28"): _BOTH_LATER,
    ("bare", "2025-11-25"): _BOTH_EARLIER | _BARE_EARLIER,
    ("bare", "2026-07-28"): _BARE_LATER | _BOTH_LATER,
}
