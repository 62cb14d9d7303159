"""The breaks of the promises: who approves, when and once."""

from __future__ import annotations

import secrets
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from proof.breaks.changes import Changes, later, put, swap
from trax_mcp.api import operation
from trax_mcp.api.errors import Refused
from trax_mcp.api.operation import Rule, When
from trax_mcp.consent import policy, question, store
from trax_mcp.consent.calls import Answer, is_certain
from trax_mcp.consent.policy import (
    Case,
    Proceed,
    Verdict,
    judge,
    nothing_to_do,
)
from trax_mcp.consent.question import Question
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.sending import Sending
from trax_mcp.consent.state import StudioRecord
from trax_mcp.server.asking import Asking
from trax_mcp.server.request import CallRequest
from trax_mcp.studio.facts import Facts
from trax_mcp.web.local_server import PageAccess
from trax_mcp.web.passkey import challenge_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trax_mcp.consent.calls import Call
    from trax_mcp.consent.open_questions import OpenQuestion
    from trax_mcp.consent.question import Phase


_when = operation._when
_find = Asking._find
_judge_person = policy._judge_person


def _unless_off(rule: Rule, argument: str, given: Mapping[str, object]) -> When:
    is_off = False in {given.get("enabled"), given.get("active")}
    return When.NEVER if is_off else _when(rule, argument, given)


def _only_on_air(rule: Rule, argument: str, given: Mapping[str, object]) -> When:
    return _when(When.WHILE_LIVE if rule is When.ALWAYS else rule, argument, given)


def _as_it_was_shown(case: Case, answer: Answer) -> Verdict:
    digest = case.question.preview.digest if case.question else case.digest
    return _judge_person(case._replace(digest=digest), answer)


async def _find_only_own(
    self: Asking, call: Call, request: CallRequest
) -> tuple[OpenQuestion | None, Phase | None]:
    is_outside = {"panel", "page"} & {*self._people(call, request)}
    return await _find(self, call, request) if is_outside else (None, None)


def _wishes_by_meta(self: CallRequest) -> bool:
    return "preview" in str(self.ctx.meta)


_SHORT: Final = SimpleNamespace(
    token_urlsafe=lambda _: secrets.token_urlsafe(2), token_hex=secrets.token_hex
)


_RATE_LIMIT_TEST: Final = "tests/consent/test_rate_limited_approvals.py"


_WITHHELD_TEST: Final = "tests/consent/test_consent_withheld.py"

CHANGES: Final[Changes] = {
    "You're asked before you go live or go offline": [
        ("tests/consent/test_consent_facts.py", swap(Facts.writes_are_off).by(lambda *_: False)),
        ("tests/units/consent/test_races.py", swap(StudioRecord.has_turn).by(lambda *_: True)),
    ],
    "**You approve first.**": [
        ("tests/consent/test_consent_withheld.py", swap(judge).by(lambda *_: Proceed())),
        ("tests/consent/test_what_needs_a_yes.py", swap(Rules.when).by(lambda *_: When.NEVER)),
    ],
    "So overwriting one always needs your approval": [
        ("tests/consent/test_what_needs_a_yes.py", swap(operation._when).by(_unless_off)),
        ("tests/consent/test_what_needs_a_yes.py", swap(operation._when).by(_only_on_air)),
    ],
    "it came within five seconds": [
        (_WITHHELD_TEST, swap(Question.is_too_soon).by(lambda *_: False)),
        (_WITHHELD_TEST, put(question, "MOST_HURRIED", 1000)),
    ],
    "The id of such a question": [
        ("tests/units/consent/test_policy.py", swap(Answer.fits).by(lambda *_: True)),
    ],
    "**No preview is given of a call": [
        ("tests/consent/test_approval_channels.py", swap(Asking._find).by(_find_only_own)),
    ],
    "After a second no": [
        (
            "tests/consent/test_approval_answers.py",
            swap(question.Refusals.rest_seconds).by(lambda *_: None),
        ),
    ],
    "An argument or `_meta`": [
        (
            "tests/consent/test_previews_by_wish.py",
            swap(CallRequest.wants_preview).by(_wishes_by_meta),
        ),
    ],
    "One approval, one broadcast.": [
        ("tests/consent/test_consent_given.py", swap(Question.is_used).by(lambda self: False)),
        ("tests/consent/test_consent_asking.py", swap(nothing_to_do).by(lambda *_, **__: None)),
    ],
    "If the studio changes while you think": [
        (
            "tests/seams/consent/test_go_live.py",
            swap(policy._judge_person).by(_as_it_was_shown),
        ),
    ],
    "If TRaX refuses the call because of too many requests": [
        (_RATE_LIMIT_TEST, swap(Question.given_back).by(lambda self: self)),
        (_RATE_LIMIT_TEST, swap(Sending._outcome).by(lambda self: "not_applied")),
        (_RATE_LIMIT_TEST, swap(Refused.is_rate_limit).by(lambda self: True)),
    ],
    "Only your click counts": [
        ("tests/web/test_approval_page.py", swap(PageAccess.has_session).by(lambda *_: True)),
        ("tests/seams/test_chance.py", put(store, "secrets", _SHORT)),
    ],
    "from then on each approval needs your fingerprint": [
        ("tests/web/test_passkey.py", swap(challenge_for).by(lambda *_: b"the same for all")),
    ],
    "Before each further change": [
        (
            "tests/consent/test_steps_between_changes.py",
            swap(Sending._why_not_as_shown).by(later(value="")),
        ),
    ],
    "it ends at the first one": [
        ("tests/consent/test_apply_changes_cut_short.py", swap(is_certain).by(lambda *_: True)),
    ],
}
