"""Calls in studios of their own, so that tests do not meet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas
    from tests.support.guarded_calls import GuardedOperation


def in_new_studio(replicas: Replicas, operation: GuardedOperation) -> GuardedOperation:
    """The same call in a studio of its own."""
    studio = replicas.trax.add_studio("One of many")
    replicas.trax.add_destination(
        "Main", record_id=f"of_{studio}", studio=studio, platform="custom", streamKey="1"
    )
    return in_studio(operation, studio)


def in_studio(operation: GuardedOperation, studio: str) -> GuardedOperation:
    """The same call in another studio."""
    arguments = {**operation.arguments, "studioId": studio}
    if "destId" in arguments:
        arguments["destId"] = f"of_{studio}"
    sent = operation.sent.replace("studio_42", studio).replace("dest_3", f"of_{studio}")
    return replace(operation, arguments=arguments, sent=sent)
