"""The breaks of the promises: what a person is shown, and that nothing else is done."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

from proof.breaks.changes import Changes, put, swap
from trax_mcp.actions import acts, studios, view
from trax_mcp.actions.acts import Act, Rank
from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import Preview, digest
from trax_mcp.api.text_safety import quote
from trax_mcp.consent.audit import _masked
from trax_mcp.server import (
    question_text,
    tools,
    ways,
)
from trax_mcp.server.arguments import EVIDENCE_SCHEMAS
from trax_mcp.server.question_text import FormMessage, fits, form_schema
from trax_mcp.server.results import in_practice
from trax_mcp.studio import naming, reading, times

if TYPE_CHECKING:
    from trax_mcp.actions.view import View
    from trax_mcp.consent.ways import Way
    from trax_mcp.server.ways import ConnectedClient, Operator
    from trax_mcp.studio.facts import Read
    from trax_mcp.studio.naming import Name


_choices = Change.choices


_named = naming.named


_ways = ways.ways


_asks_again = studios._asks_again


def _with_yes_first(preview: Preview, form: FormMessage) -> dict[str, Any]:
    schema = form_schema(preview, form)
    schema["properties"]["choice"]["enum"].reverse()
    return schema


def _fits_with_breaks_at_hyphens(message: str, *, rows: int = 4, columns: int = 74) -> bool:
    return len(textwrap.wrap(message, columns)) <= rows


def _ways_by_length(
    client: ConnectedClient,
    operator: Operator,
    *,
    forms: int = 1,
    **more: Any,  # noqa: ANN401  passed on
) -> tuple[Way, ...]:
    return ("preview",) if forms > 1 else _ways(client, operator, forms=forms, **more)


def _deletions_last(act: Act) -> tuple[Rank, bool, str]:
    return Rank(len(Rank) + 1 - act.rank), not act.thing, act.verb


def _as_it_is_left(listed: Read[tuple[view.ItemT, ...]], it: view.ItemT) -> view.ItemT:
    del listed
    return it


def _asks_again_unsaid() -> Act:
    return _asks_again()._replace(fact=None)


def _with_name(self: Change[Any], view: View) -> tuple[str, str]:
    yes, no = _choices(self, view)
    return f"{yes}: {self.described(view).text}", no


def _as_namesake(*them: Any, among: object = None, **more: Any) -> Name:  # noqa: ANN401  passed on
    return _named(*them, **more)


_FORM_TEST: Final = "tests/units/server/test_question_text.py"

CHANGES: Final[Changes] = {
    "You see what would happen": [
        ("tests/consent/test_consent_outcome.py", put(reading, "OBSERVED_SECONDS", 2.0)),
        (
            "tests/seams/test_clock.py",
            swap(times.at).by(lambda it, *_, **__: f"{it.astimezone():%H:%M} UTC"),
        ),
    ],
    "**You approve what you see.**": [
        (
            "tests/consent/test_consent_changed.py",
            swap(digest).by(lambda tool, them, *_: digest(tool, them, ())),
        ),
    ],
    "In each question,": [
        (_FORM_TEST, swap(form_schema).by(_with_yes_first)),
    ],
    "So what doesn't fit is asked on the page": [
        (
            _FORM_TEST,
            swap(fits).by(
                lambda message, *, rows=4, columns=74: fits(message, rows=rows + 1, columns=columns)
            ),
        ),
        (_FORM_TEST, swap(fits).by(_fits_with_breaks_at_hyphens)),
        ("tests/units/server/test_ways.py", swap(ways.ways).by(_ways_by_length)),
        ("tests/units/server/test_ways.py", swap(ways.cuts_forms).by(lambda *_: False)),
    ],
    "If there are several changes, deletions": [
        (_FORM_TEST, swap(acts._order).by(_deletions_last)),
    ],
    "A choice never contains a name": [
        (_FORM_TEST, swap(Change[Any].choices).by(_with_name)),
    ],
    "A question uses the names from before": [
        (
            "tests/consent/test_names_in_several_changes.py",
            swap(view.as_in).by(_as_it_is_left),
        ),
    ],
    "Every field that a call sets": [
        (
            "tests/units/consent/test_every_field_is_asked_about.py",
            swap(studios._asks_again).by(_asks_again_unsaid),
        ),
    ],
    "If two destinations or two sources have the same name": [
        (_FORM_TEST, swap(naming.named).by(_as_namesake)),
    ],
    "With `--sandbox`, everything says": [
        ("tests/server/test_practice.py", swap(in_practice).by(lambda result: result)),
        (_FORM_TEST, put(question_text, "PRACTICE", "")),
    ],
    "Names are in quotes": [
        ("tests/consent/test_hostile_names.py", swap(quote).by(lambda text, **_: f'"{text}"')),
    ],
    "The description of `confirm` tells the model": [
        (
            "tests/server/test_server_info.py",
            put(
                tools,
                "EVIDENCE_SCHEMAS",
                {
                    **EVIDENCE_SCHEMAS,
                    "confirm": {"type": "boolean", "description": "After the preview."},
                },
            ),
        ),
    ],
    "The file never holds a key": [
        ("tests/consent/test_audit_secrets.py", swap(_masked).by(lambda it, *_: it.arguments())),
    ],
}
