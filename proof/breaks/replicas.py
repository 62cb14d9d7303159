"""The breaks of the promises: several replicas and what stands before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proof.breaks.changes import Changes, Edit, Patch, put, swap
from trax_mcp.api import accepted_keys
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.store import Store
from trax_mcp.http.run import Serving
from trax_mcp.replicas import engine_records

if TYPE_CHECKING:
    from trax_mcp.api.caller import Caller
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.running import Begin, End

_PROXY: Final = "deploy/haproxy.cfg"


_PROXY_TEST: Final = "proof/deploy/test_proxy_setup.py"

_end: Final = StudioRecord.end
_record_refusal: Final = AcceptedKeys.record_refusal


def _end_if_stops_differ(
    self: StudioRecord, begun: Begin, it: End, now: float, lease: float
) -> tuple[StudioRecord, bool]:
    """A stop that is not remembered any more is another one than the last."""
    after, is_stopped = _end(self, begun, it, now, lease)
    differs = it.start == "applied" and self.last_stop_for(begun.caller) != begun.last_stop
    return after, is_stopped or differs


def _record_refusal_of_the_studio(
    self: AcceptedKeys,
    code: str,
    operation: Operation[Model],
    caller: Caller,
    *,
    status: int | None = None,
) -> None:
    """Only its own page counts, and no other call about it."""
    if operation.endpoint.path == "/v1/studios/{id}":
        _record_refusal(self, code, operation, caller, status=status)


CHANGES: Final[Changes] = {
    "An approval given at any replica": [
        (
            "proof/replicas/test_engine_records.py",
            put(engine_records, "_WRITE", engine_records._WRITE.replace("return 0 end", "end")),
        ),
    ],
    "**Nobody can read what's in Valkey": [
        (
            "proof/replicas/test_engine_contents.py",
            put(engine_records, "seal", lambda value, **_: value),
        ),
    ],
    "**An emptied Valkey": [
        (
            "proof/replicas/test_forgetful_engine.py",
            Patch(StudioRecord, "end", _end_if_stops_differ, None),
        ),
    ],
    "**A go-live that was approved before such a `go_offline`": [
        ("proof/replicas/test_forgetful_engine.py", swap(Store.later).by(lambda *_: None)),
    ],
    "A key that TRaX refuses there": [
        ("tests/consent/test_turns.py", put(accepted_keys, "_IS_GONE", ())),
        (
            "tests/consent/test_turns.py",
            swap(AcceptedKeys.record_refusal).by(_record_refusal_of_the_studio),
        ),
        (
            "tests/consent/test_turns.py",
            swap(AcceptedKeys.may_call).by(
                lambda self, caller, operation: self.has_access(caller, operation.studio())
            ),
        ),
    ],
    "No read fails": [
        ("tests/server/test_readiness.py", swap(Serving.is_ready).by(lambda *_: True)),
    ],
    "**Nobody gets in": [
        (
            "proof/replicas/test_engine_checks.py",
            Edit("deploy/valkey.conf", "user default off", ""),
        ),
    ],
    "**It looks up a name from `/etc/hosts`": [
        (_PROXY_TEST, Edit(_PROXY, "maxconn 4000\n", "maxconn 4000\n setenv REPLICAS_IN_DNS 1\n")),
    ],
    "**a replica is found at its new address": [
        (_PROXY_TEST, Edit(_PROXY, "resolvers system resolve-opts allow-dup-ip init", "init")),
    ],
    "It logs what fails": [
        (_PROXY_TEST, Edit(_PROXY, "%HM %HPO", "%HM %HU")),
    ],
    "**Connections that stall": [
        (_PROXY_TEST, Edit(_PROXY, "    timeout client-hs 10s\n", "")),
    ],
    "**one address gets at most half": [
        (_PROXY_TEST, Edit(_PROXY, "reject if { sc0_conn_cur", "accept if { sc0_conn_cur")),
    ],
}
