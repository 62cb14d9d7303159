"""The breaks of each promise of proof/README.md, in its order. mypy checks what is patched.

A lambda that takes `*_` fits any signature. Functions that are imported by name stay whole here.
"""

from __future__ import annotations

import logging
import secrets
import socket
import ssl
import sys
import textwrap
import time
from contextvars import Context
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import httpx
from starlette.datastructures import Headers
from trax_mcp.consent.attempts import Attempt, is_certain
from trax_mcp.consent.questions import Question, StudioRecord

from proof.breaks.changes import Break, Edit, Patch, later, put, swap
from trax_mcp import sealing
from trax_mcp.actions import acts, results, studios, view
from trax_mcp.actions.acts import Act, Rank
from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import Preview, digest
from trax_mcp.actions.stream import may_reach
from trax_mcp.api import (
    accepted_keys,
    caller,
    client,
    contract_check,
    operation,
    outages,
    refusals,
    responses,
)
from trax_mcp.api.errors import Refused, TraxError, unreadable
from trax_mcp.api.operation import When
from trax_mcp.api.text_safety import quote
from trax_mcp.chat import feed, identity, marks, poll_interval
from trax_mcp.cli import doctor_answers
from trax_mcp.cli.doctor import run as run_doctor
from trax_mcp.cli.install import configuration
from trax_mcp.cli.key_file import chosen_key, key_path, read_key
from trax_mcp.cli.refused_start import answer_requests
from trax_mcp.cli.startup import enrolled_passkey
from trax_mcp.clock import Clock
from trax_mcp.consent import pacing, records, sending, stop_ends, stops, store
from trax_mcp.consent.audit import _masked
from trax_mcp.consent.policy import (
    Case,
    NeedsConfirmation,
    Proceed,
    Verdict,
    _judge_change,
    _judge_confirmation,
    judge,
    nothing_to_do,
)
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.store import Seen, Store
from trax_mcp.replicas import engine_records
from trax_mcp.sandbox.contract import Call
from trax_mcp.server import (
    call_log,
    logs,
    measured,
    question_text,
    sdk_compat,
    tools,
    untrusted,
    ways,
)
from trax_mcp.server.arguments import EVIDENCE_SCHEMAS
from trax_mcp.server.asking import Asking
from trax_mcp.server.door import CALLER, Door, _names_key, bearer_token
from trax_mcp.server.offer import Offer
from trax_mcp.server.overload import answer_to
from trax_mcp.server.question_text import FormMessage, fits, form_schema
from trax_mcp.server.readiness import Readiness
from trax_mcp.server.request import CallRequest
from trax_mcp.server.results import error_result, in_practice, said_result
from trax_mcp.server.server_tokens import ServerTokens
from trax_mcp.server.sessions import Sessions
from trax_mcp.server.subscriptions import _Subscriber
from trax_mcp.server.tools import Tools
from trax_mcp.server.untrusted import without_ours, write_delimited, write_json
from trax_mcp.settings import Settings, read_settings
from trax_mcp.sign_in import client_descriptions, clients, sign_ins
from trax_mcp.sign_in.attempts import Attempts
from trax_mcp.sign_in.forms import Forms
from trax_mcp.sign_in.screens import reach_text
from trax_mcp.sign_in.server import AuthorizationServer
from trax_mcp.studio import list_cache, naming, outcome, reading, times
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.names import likely_match
from trax_mcp.studio.readiness import judge_readiness
from trax_mcp.telemetry.open_telemetry import OpenTelemetry
from trax_mcp.uploads import files, storage, upload
from trax_mcp.web.local_server import PageAccess
from trax_mcp.web.passkey import challenge_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from trax_mcp.consent.attempts import Sent
    from trax_mcp.consent.questions import Phase

    from trax_mcp.actions.view import View
    from trax_mcp.api.operation import Operation, Response_co
    from trax_mcp.consent.calls import GuardedCall
    from trax_mcp.consent.open_questions import OpenQuestion
    from trax_mcp.consent.records import Place
    from trax_mcp.consent.ways import Way
    from trax_mcp.server.ways import ConnectedClient, Operator
    from trax_mcp.studio.facts import Observed, Read
    from trax_mcp.studio.naming import Name

_choices = Change.choices
_named = naming.named
_note_failure = outages.Outages._note_failure
_read_json = responses._read_json
_read_model = responses.read_model
_ways = ways.ways
_asks_again = studios._asks_again
_begin_call = Store.begin_call
_find = Asking._find
_fingerprint = caller._fingerprint
_give_tokens = AuthorizationServer._give_tokens
_identified = identity.identify
_identify = Door._identify
_kinds = Offer.kinds
_refuse_authorization = Door._refuse_authorization
_request_to_trax = OpenTelemetry.request_to_trax
_why_not = Offer.why_not


_send = sending.Sender.send
_DEVIATIONS_TEST: Final = "tests/deviations/test_deviations.py"
_STOP_AS_SEEN_TEST: Final = "tests/consent/test_stop_as_seen.py"
_NOT_DONE_TEST: Final = "tests/consent/test_what_trax_did.py"


async def _send_again(
    self: sending.Sender, operation: Change[Any], call: GuardedCall, *, digest: str | None
) -> Sent:
    sent = await _send(self, operation, call, digest=digest)
    is_failed = operation.starts_broadcast and isinstance(sent, TraxError)
    return await _send(self, operation, call, digest=digest) if is_failed else sent


def _by_its_answer(
    sent: stop_ends._Sent, seen: Observed, *_: object, **__: object
) -> stop_ends.StopEnd:
    if isinstance(sent, TraxError):
        return stop_ends.StopEnd(sent.outcome, seen, sent)
    return stop_ends.StopEnd("applied", seen)


async def _begin_again(
    self: Store,
    place: Place,
    turn_id: str,
    question_id: str | None,
    seen: Seen,
    *,
    starts: bool,
    approved: GuardedCall | None = None,
) -> bool:
    await self.questions.change(question_id or "", lambda it, _: it.given_back())
    return await _begin_call(
        self, place, turn_id, question_id, seen, starts=starts, approved=approved
    )


def _read_strictly(
    operation: Operation[Response_co], response: responses.Response[Response_co]
) -> Response_co:
    model = _read_model(operation, response)
    if any(it.vertical is None for it in getattr(model, "items", ()) if hasattr(it, "vertical")):
        raise unreadable(operation, "has no `vertical`", status=200, request_id="")
    return model


def _ask_another_host() -> int:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", 9))


def _with_token_as_key(headers: Headers) -> Headers:
    return Headers({"x-api-key": bearer_token(headers) or "", **headers})


def _let_bearer_keys_pass(self: Door, headers: Headers) -> Response | None:
    return None if _names_key(headers) else _refuse_authorization(self, headers)


async def _print_tokens(self: AuthorizationServer, request: Request) -> Response:
    response = await _give_tokens(self, request)
    sys.stderr.write(bytes(response.body).decode())
    return response


def _trust_all(verify: object = True, **_: object) -> ssl.SSLContext:  # noqa: FBT002  httpx's
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


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


async def _find_only_own(
    self: Asking, call: GuardedCall, request: CallRequest
) -> tuple[OpenQuestion | None, Phase | None]:
    is_outside = {"panel", "page"} & {*self._people(call, request)}
    return await _find(self, call, request) if is_outside else (None, None)


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


def _confirm_by_any_id(case: Case) -> Verdict:
    question = case.question
    if question is None or case.evidence.confirmation is None:
        return NeedsConfirmation()
    return Proceed(question.id) if question.is_for(case.operations) else NeedsConfirmation()


def _as_first_failure(self: outages.Outages, error: TraxError) -> None:
    self._began = None
    _note_failure(self, error)


def _wishes_by_meta(self: CallRequest) -> bool:
    return "preview" in str(self.ctx.meta)


_SHORT: Final = SimpleNamespace(token_urlsafe=lambda _: secrets.token_urlsafe(2))
_ZEROS: Final = SimpleNamespace(token_bytes=bytes)
_EQUAL: Final = SimpleNamespace(compare_digest=lambda *_: True)
_OWN_TRANSPORT: Final = sys.modules["httpx._transports.default"]
"""The connections that are given no TLS context, as those to a storage."""
_KNOWN: Final = {f"TRAX_{it.upper()}" for it in Settings.model_fields}
_FORM_TEST: Final = "tests/units/server/test_question_text.py"
_IN_DOUBT_TEST: Final = "tests/consent/test_go_live_in_doubt.py"
_RATE_LIMIT_TEST: Final = "tests/consent/test_rate_limited_approvals.py"
_WITHHELD_TEST: Final = "tests/consent/test_consent_withheld.py"
_PROXY: Final = "deploy/haproxy.cfg"
_PROXY_TEST: Final = "proof/deploy/test_proxy_setup.py"

_CHANGES: Final[Mapping[str, Sequence[tuple[str, Patch | Edit]]]] = {
    # On and off the air
    "You see what would happen": [
        ("tests/consent/test_consent_outcome.py", put(outcome, "OBSERVED_SECONDS", 2.0)),
        (
            "tests/seams/test_clock.py",
            swap(times.at).by(lambda it, *_, **__: f"{it.astimezone():%H:%M} UTC"),
        ),
    ],
    "Before you go on or off the air": [
        ("tests/consent/test_consent_facts.py", swap(Facts.writes_are_off).by(lambda *_: False)),
        ("tests/model/test_model.py", swap(StudioRecord.has_turn).by(lambda *_: True)),
    ],
    "**Nothing goes on air without": [
        ("tests/consent/test_consent_withheld.py", swap(judge).by(lambda *_: Proceed())),
        ("tests/consent/test_what_needs_a_yes.py", swap(Rules.when).by(lambda *_: When.NEVER)),
    ],
    "**Your yes is to what you were shown.**": [
        (
            "tests/consent/test_consent_changed.py",
            swap(digest).by(lambda tool, them, *_: digest(tool, them, ())),
        ),
    ],
    "In each question the no comes first": [
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
    "Of several changes, deletions are named first.": [
        (_FORM_TEST, swap(acts._order).by(_deletions_last)),
    ],
    "A choice never holds a name": [
        (_FORM_TEST, swap(Change[Any].choices).by(_with_name)),
    ],
    "A question names each thing as it is": [
        (
            "tests/consent/test_names_in_several_changes.py",
            swap(view.as_in).by(_as_it_is_left),
        ),
    ],
    "Whatever a call sets has words": [
        (
            "tests/units/consent/test_every_field_is_asked_about.py",
            swap(studios._asks_again).by(_asks_again_unsaid),
        ),
    ],
    "Where two destinations or two sources have one name": [
        (_FORM_TEST, swap(naming.named).by(_as_namesake)),
    ],
    "A confirmation that comes back within five seconds": [
        (_WITHHELD_TEST, swap(pacing.is_too_soon).by(lambda *_: False)),
        (_WITHHELD_TEST, put(pacing, "MOST_HURRIED", 1000)),
    ],
    "The id of a form, a panel or a page is no confirmation": [
        ("tests/units/consent/test_policy.py", swap(_judge_confirmation).by(_confirm_by_any_id)),
    ],
    "No preview is given of what a person is being asked": [
        ("tests/consent/test_approval_channels.py", swap(Asking._find).by(_find_only_own)),
    ],
    "From the second no on": [
        (
            "tests/consent/test_approval_answers.py",
            swap(pacing.Refusals.rest_seconds).by(lambda *_: None),
        ),
    ],
    "An argument or `_meta`": [
        (
            "tests/consent/test_previews_by_wish.py",
            swap(CallRequest.wants_preview).by(_wishes_by_meta),
        ),
    ],
    "With `--sandbox`, everything says": [
        ("tests/server/test_practice.py", swap(in_practice).by(lambda result: result)),
        (_FORM_TEST, put(question_text, "PRACTICE", "")),
    ],
    "Names are shown between quotes": [
        ("tests/consent/test_hostile_names.py", swap(quote).by(lambda text, **_: f'"{text}"')),
    ],
    "One yes, one broadcast.": [
        ("tests/model/test_model.py", swap(Store.begin_call).by(_begin_again)),
        ("tests/consent/test_consent_asking.py", swap(nothing_to_do).by(lambda *_, **__: None)),
    ],
    "If the studio changes while you think": [
        ("tests/consent/test_consent_asking.py", swap(_judge_change).by(lambda *_: Proceed())),
    ],
    "If TRaX refuses the call because of too many requests": [
        (_RATE_LIMIT_TEST, swap(Question.given_back).by(lambda self: self)),
        (_RATE_LIMIT_TEST, swap(Attempt.outcome).by(lambda self: "not_applied")),
        (_RATE_LIMIT_TEST, swap(Refused.is_rate_limit).by(lambda self: True)),
    ],
    "Whatever your assistant says or sends": [
        ("tests/web/test_approval_page.py", swap(PageAccess.has_session).by(lambda *_: True)),
        ("tests/seams/test_chance.py", put(store, "secrets", _SHORT)),
    ],
    "from then on each approval needs your fingerprint": [
        ("tests/web/test_passkey.py", swap(challenge_for).by(lambda *_: b"the same for all")),
    ],
    "it stops at the first": [
        ("tests/consent/test_apply_changes_cut_short.py", swap(is_certain).by(lambda *_: True)),
    ],
    "**A stop is never held up.**": [
        ("tests/consent/test_stop_under_load.py", put(stops, "_WAIT_SECONDS", 3600.0)),
        ("tests/consent/test_turns.py", put(sending, "_AGAIN_SECONDS", -1.0)),
    ],
    "A stop is told by what was seen after it": [
        # A stop is told as done on the old status.
        (_STOP_AS_SEEN_TEST, swap(Seen.start_may_come).by(lambda self: False)),
        (_STOP_AS_SEEN_TEST, swap(stop_ends.end_of_stop).by(_by_its_answer)),
    ],
    "The answer to a go-live mentions a later stop only if": [
        # A refused stop ends the watch of a start.
        (_STOP_AS_SEEN_TEST, swap(records.taken_stop_in).by(records.last_stop_in)),
    ],
    "takes the studio off the air again": [
        (
            "tests/consent/test_stop_during_go_live.py",
            swap(sending.Sender._undo).by(later(value=True)),
        ),
    ],
    "It voids every earlier yes": [
        ("tests/consent/test_consent_stop.py", swap(Question.is_void_after).by(lambda *_: False)),
    ],
    "Each `confirm` tells the model": [
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
    "No key, no stream key": [
        ("tests/consent/test_audit_secrets.py", swap(_masked).by(lambda it, *_: it.arguments())),
    ],
    # Signing in
    "The key never passes through the client": [
        ("tests/sign_in/test_secrets.py", swap(_give_tokens).by(_print_tokens)),
    ],
    "tokens are good there and nowhere else": [
        (
            "tests/sign_in/test_token_attacks.py",
            swap(bearer_token).by(
                lambda headers: headers.get("authorization", "").rpartition(" ")[2] or None
            ),
        ),
    ],
    "It says which studios the key reaches": [
        ("tests/sign_in/test_screens.py", swap(reach_text).by(lambda *_: "It is a good key.")),
    ],
    "Nothing can be changed": [
        (
            "tests/sign_in/test_signed_in_callers.py",
            swap(_why_not).by(lambda self, kind, *_: _why_not(self, kind)),
        ),
    ],
    "Going live still needs": [
        ("tests/sign_in/test_token_attacks.py", swap(Rules.when).by(lambda *_: When.NEVER)),
    ],
    "Tokens are hashes in it": [
        ("tests/units/sign_in/test_custody.py", swap(sign_ins._hash).by(lambda root: root)),
        ("tests/seams/test_chance.py", put(sealing, "secrets", _ZEROS)),
    ],
    "TRaX judges it in each request.": [
        ("tests/sign_in/test_signed_in_callers.py", put(refusals, "_NEED_ANOTHER_KEY", ())),
    ],
    "10 wrong keys in ten minutes.": [
        ("tests/sign_in/test_limit_attacks.py", swap(Attempts._free).by(lambda *_: 10)),
        (
            "tests/seams/test_name_servers.py",
            swap(clients._resolve).by(lambda host: later(value=clients._look_up(host))()),
        ),
    ],
    "Nothing is kept of them": [
        ("tests/sign_in/test_registration_attacks.py", put(client_descriptions, "hmac", _EQUAL)),
    ],
    "the one that was read within the day": [
        ("tests/sign_in/test_client_documents.py", put(clients, "_STALE_SECONDS", 86_400_000)),
    ],
    "a yes from before is good after it": [
        (
            "tests/sign_in/test_shared_memory.py",
            swap(_fingerprint).by(lambda text: _fingerprint(text.partition("\0")[0])),
        ),
    ],
    "A sign-in takes at most ten minutes.": [
        ("tests/sign_in/test_page_attacks.py", swap(Forms.deadline).by(lambda *_: 1e12)),
        ("tests/seams/test_clock.py", swap(Clock.seconds).by(lambda *_: time.time())),
    ],
    # What else you can rely on
    "Given at any replica": [
        (
            "proof/replicas/test_store_steps.py",
            put(engine_records, "_WRITE", engine_records._WRITE.replace("return 0 end", "end")),
        ),
    ],
    "at all replicas two seconds later": [
        (
            "proof/replicas/test_accepted_keys.py",
            swap(accepted_keys.AcceptedKeys.learn).by(lambda *_: None),
        ),
    ],
    "No read fails": [
        ("tests/server/test_readiness.py", swap(Readiness.is_draining).by(lambda *_: False)),
    ],
    "**Without that password": [
        (
            "proof/replicas/test_engine_checks.py",
            Edit("deploy/valkey.conf", "user default off", ""),
        ),
    ],
    "**a name that only `/etc/hosts` has": [
        (_PROXY_TEST, Edit(_PROXY, "maxconn 4000\n", "maxconn 4000\n setenv REPLICAS_IN_DNS 1\n")),
    ],
    "**a replica is found at its new address": [
        (_PROXY_TEST, Edit(_PROXY, "resolvers system resolve-opts allow-dup-ip init", "init")),
    ],
    "It logs what fails": [
        (_PROXY_TEST, Edit(_PROXY, "%HM %HPO", "%HM %HU")),
    ],
    "**Who stops in the middle": [
        (_PROXY_TEST, Edit(_PROXY, "    timeout client-hs 10s\n", "")),
    ],
    "**one address has at most half": [
        (_PROXY_TEST, Edit(_PROXY, "reject if { sc0_conn_cur", "accept if { sc0_conn_cur")),
    ],
    "If TRaX's answer shows something else": [
        (_NOT_DONE_TEST, swap(results.otherwise).by(lambda *_: ())),
    ],
    "**A change is never sent twice**": [
        ("tests/api/test_retries.py", swap(client._pause_before_retry).by(lambda *_, **__: 0.0)),
        # A go-live that fails is repeated.
        ("tests/consent/test_consent_outcome.py", swap(sending.Sender.send).by(_send_again)),
    ],
    "**Only TRaX's answers count.**": [
        # A page counts as TRaX's answer.
        (
            "tests/api/test_not_json.py",
            swap(responses._read_json).by(
                lambda *it: {} if (read := _read_json(*it)) is responses._NO_JSON else read
            ),
        ),
    ],
    "**What is missing never looks harmless.**": [
        # `destinations: null` reads as harmless.
        (_IN_DOUBT_TEST, swap(may_reach).by(lambda *_: iter(()))),
        # A mistyped `enabled` counts as off.
        (_IN_DOUBT_TEST, swap(Facts.perhaps_enabled).by(lambda self: ())),
        # A wall for a missing `vertical`.
        ("tests/studio/test_tolerant_reading.py", swap(responses.read_model).by(_read_strictly)),
    ],
    "**Mistakes stay here.**": [
        ("tests/server/test_arguments.py", put(operation, "quote", lambda text, **_: text)),
    ],
    "**No argument is lost on the way.**": [
        (
            "tests/server/test_schemas.py",
            Edit(
                "trax_mcp/server/schemas.json",
                '"additionalProperties":false,"description":"Only those of',
                '"description":"Only those of',
            ),
        ),
        (
            "tests/server/test_schemas.py",
            swap(operation.ToolInput._is_left_out).by(lambda *it: it[1] is None),
        ),
        (
            "tests/server/test_arguments.py",
            swap(operation.ToolInput._is_left_out).by(lambda *it: it[1] in (None, "")),
        ),
    ],
    "**A part is never taken for the whole.**": [
        ("tests/studio/test_long_lists.py", swap(reading.only_first).by(lambda *_: "")),
    ],
    "**Nobody is held up by a reader.**": [
        ("tests/server/test_stderr.py", swap(logs._handler).by(logging.StreamHandler)),
    ],
    "**Chat gives no orders.**": [
        ("tests/chat/test_hostile_chat.py", swap(without_ours).by(lambda data: data)),
    ],
    "**Chat is fenced.**": [
        ("tests/server/test_untrusted.py", swap(write_delimited).by(write_json)),
    ],
    "In each, invisible characters are spelt out": [
        ("tests/server/test_both_halves.py", put(untrusted, "shown", lambda message: message)),
    ],
    "So what is said in words stands in both": [
        (
            "tests/server/test_both_halves.py",
            swap(said_result).by(
                lambda data, words, **more: said_result(data, words, **more).model_copy(
                    update={
                        "structured_content": said_result(
                            data, words._replace(warnings=()), **more
                        ).structured_content
                    }
                )
            ),
        ),
    ],
    "**Your key stays yours.**": [
        ("tests/server/test_secrets_in_output.py", swap(caller.redact).by(lambda it, *_, **__: it)),
        ("tests/seams/test_tls.py", put(httpx, "create_ssl_context", _trust_all)),
        ("tests/seams/test_tls.py", put(_OWN_TRANSPORT, "create_ssl_context", _trust_all)),
    ],
    "**Nobody uses up what all share.**": [
        ("tests/server/test_sessions.py", swap(Sessions._full).by(lambda *_: None)),
    ],
    "where its code is not documented": [
        (
            "tests/api/test_advice_by_status.py",
            put(refusals, "_BY_STATUS", dict.fromkeys(range(400, 500), "It will fail again.")),
        ),
        ("tests/api/test_compressed_answers.py", put(client, "LARGEST_ANSWER_BYTES", 1 << 28)),
    ],
    "A failed call is an error": [
        (
            "tests/api/test_failure_texts.py",
            swap(error_result).by(
                lambda *it: error_result(*it).model_copy(update={"is_error": False})
            ),
        ),
    ],
    "**A token can be changed": [
        (
            "tests/server/test_http_access.py",
            swap(ServerTokens.accept).by(lambda self, token: token == self._tokens[0]),
        ),
    ],
    "It holds no argument": [
        (
            "tests/server/test_json_log.py::test_a_call_over_http_is_the_line_that_the_page_shows",
            swap(call_log._known_tool).by(lambda name: None if name is None else str(name)),
        ),
    ],
    "an outage of TRaX is two warnings": [
        (
            "tests/api/test_outages.py",
            swap(outages.Outages._note_failure).by(_as_first_failure),
        ),
    ],
    "A session belongs to the key": [
        (
            "tests/server/test_http.py",
            swap(Door._with_caller).by(
                lambda self, scope, caller, sign_in_id: {**scope, CALLER: caller}
            ),
        ),
    ],
    "The operator's key is never lent": [
        (
            "tests/server/test_http.py",
            swap(_identify).by(lambda self, headers: _identify(self, _with_token_as_key(headers))),
        ),
    ],
    "What is refused in this way": [
        ("tests/server/test_request_limits.py", swap(answer_to).by(lambda *_, **__: b"")),
    ],
    "A server on stdio that gets a confirmation": [
        (
            "tests/consent/test_consent_stdio.py",
            swap(Tools._with_guess).by(lambda self, not_run, request: not_run),
        ),
    ],
    "Where the server has either": [
        ("tests/server/test_http_access.py", swap(_refuse_authorization).by(_let_bearer_keys_pass)),
    ],
    "**no key, name, studio or text": [
        ("tests/server/test_telemetry.py", swap(measured._hash).by(lambda session_id: session_id)),
    ],
    "**A dashboard and alerts": [
        ("proof/operations/test_prometheus.py", Edit("deploy/alerts.yaml", "4..|Canc", "Canc")),
    ],
    "A call is one trace": [
        (
            "tests/server/test_telemetry.py",
            swap(_request_to_trax).by(lambda *them: Context().run(_request_to_trax, *them)),
        ),
    ],
    "What is offered while you type": [
        ("tests/studio/test_list_cache.py", put(list_cache, "KEPT_SECONDS", 0.0)),
    ],
    "No prompt has the name of a tool": [
        (
            "tests/server/test_prompts.py::test_no_prompt_and_no_resource_has_the_name_of_a_tool",
            Edit("prompts/start_stream.md", 'name = "start_stream"', 'name = "go_live"'),
        ),
    ],
    "Nothing else: no statistics": [
        (
            "tests/docs/test_privacy.py",
            swap(enrolled_passkey).by(
                lambda settings: enrolled_passkey(settings) if _ask_another_host() else None
            ),
        ),
    ],
    # Chat that streams
    "in order, without repeats": [
        (
            "tests/units/chat/test_feed.py",
            swap(feed._by_time).by(lambda items: [*items]),
        ),
    ],
    "what it shows the other two show": [
        (
            "tests/units/chat/test_feed_gaps.py",
            swap(feed.Feed._may_omit).by(lambda self, items, limit: len(items) >= limit),
        ),
        (
            "tests/chat/test_chat_pages.py",
            swap(identity.identify).by(lambda page: [it for it in _identified(page) if it.message]),
        ),
    ],
    "It asks TRaX once for everyone": [
        (
            "tests/units/chat/test_poll_interval.py",
            swap(poll_interval.PollInterval.pause).by(lambda self, jitter: self.shortest),
        ),
    ],
    "It may read late": [
        (
            "tests/server/test_subscriptions_slow.py",
            swap(_Subscriber._add_update).by(lambda *_: None),
        ),
    ],
    "So that no assistant answers itself": [
        ("tests/chat/test_own_messages.py", swap(marks.ChatMarks.own).by(lambda *_: ())),
    ],
    "A cursor still holds after a restart": [
        ("tests/server/test_subscriptions_failures.py", swap(feed._end_of_row).by(lambda *_: 0)),
    ],
    # What it is
    "Claude, your editor or your chat bot": [
        ("tests/server/test_tools.py", swap(_kinds).by(lambda self: _kinds(self)[1:])),
    ],
    "`find_studio`, `check_studio`": [
        (
            "tests/studio/test_check_studio.py",
            swap(judge_readiness).by(
                lambda facts, *, now: judge_readiness(facts, now=now)._replace(ready=True)
            ),
        ),
        (
            "tests/studio/test_find_studio.py",
            swap(likely_match).by(lambda matches: matches[0] if matches else None),
        ),
    ],
    "trax-mcp is an MCP server": [
        ("tests/fuzz/test_fuzz_stdio.py", swap(sdk_compat._unreadable).by(lambda *_: None)),
    ],
    "A small TRaX with made-up studios": [
        ("tests/sandbox/test_sandbox_contract.py", swap(Call.find_error).by(lambda *_: None)),
    ],
    "A real TRaX may do what its documents leave open": [
        (_DEVIATIONS_TEST, swap(feed.Feed._may_omit).by(lambda *_: False)),
        (_DEVIATIONS_TEST, swap(stop_ends.end_of_stop).by(_by_its_answer)),
        (_DEVIATIONS_TEST, swap(sending.Sender.send).by(_send_again)),
    ],
    "a whole show on made-up studios": [
        (
            "tests/seams/test_wheel.py",
            Edit("pyproject.toml", "\npackages =", '\nexclude = ["*.js"]\npackages ='),
        ),
    ],
    "All else in there stays": [
        ("tests/cli/test_install.py", swap(configuration._members).by(lambda *_: {})),
    ],
    "A key is sent only to the address": [
        ("tests/cli/test_key_file.py", swap(chosen_key).by(lambda *_: read_key(key_path()))),
    ],
    "It changes nothing, prints no key": [
        (
            "tests/cli/test_doctor.py",
            swap(run_doctor).by(lambda options: run_doctor(options) and 0),
        ),
    ],
    "If an answer of TRaX isn't as its reference says": [
        ("tests/cli/test_doctor.py", swap(doctor_answers.differences).by(lambda *_: ())),
        (
            "tests/cli/test_contract_command.py",
            swap(contract_check.fold).by(lambda differences: (*differences,)),
        ),
    ],
    "from the folders in `TRAX_MEDIA_DIRS`": [
        (
            "tests/uploads/test_media_files_outside.py",
            swap(files._resolve).by(lambda path, folder: (folder / path).resolve()),
        ),
    ],
    "After a brief failure of the storage": [
        ("tests/uploads/test_storage_failures.py", swap(storage._may_pass).by(lambda *_: False)),
        ("tests/uploads/test_storage_failures.py", swap(storage._may_pass).by(lambda *_: True)),
    ],
    "waits until it is READY": [
        ("tests/uploads/test_upload_tool.py", put(upload, "LONGEST_WAIT_SECONDS", 600.0)),
    ],
    "Where TRaX refuses a page of 200 items": [
        (
            "tests/studio/test_pages_of_lists.py",
            put(reading, "_CURSOR_REFUSED", frozenset[int]()),
        ),
        ("tests/studio/test_pages_of_lists.py", put(reading, "LARGEST_PAGE", None)),
    ],
    "A wrong one, or a `TRAX_` name": [
        (
            "tests/cli/test_settings.py",
            swap(read_settings).by(
                lambda environment: read_settings(
                    {it: environment[it] for it in _KNOWN & environment.keys()}
                )
            ),
        ),
        ("tests/server/test_refused_start.py", swap(answer_requests).by(lambda *_, **__: None)),
    ],
    "`make image` does what": [
        ("tests/docs/test_image.py", Edit("Dockerfile", "USER 65532:65532", "USER 0:0")),
    ],
    "**Nothing is installed in it": [
        (
            "tests/docs/test_locks.py",
            Edit("Dockerfile", "--require-hashes --requirement deploy/r", "--requirement deploy/r"),
        ),
    ],
}

BREAKS: Final = [Break(promise, *row) for promise, rows in _CHANGES.items() for row in rows]
