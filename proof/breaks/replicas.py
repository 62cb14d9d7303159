"""The breaks of the promises: several replicas and what stands before them."""

from __future__ import annotations

from typing import Final

from proof.breaks.changes import Changes, Edit, put, swap
from trax_mcp.api import (
    accepted_keys,
)
from trax_mcp.replicas import engine_records
from trax_mcp.server.readiness import Readiness

_PROXY: Final = "deploy/haproxy.cfg"


_PROXY_TEST: Final = "proof/deploy/test_proxy_setup.py"

CHANGES: Final[Changes] = {
    "Given at any replica": [
        (
            "proof/replicas/test_engine_records.py",
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
}
