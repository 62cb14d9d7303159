"""The suite's scenarios for authorization servers, with a person who signs in.

They are not part of any revision's requirements: the specification leaves such servers out.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tests.support.hosted_process import free_port, hosted_server
from tests.support.oauth_steps import OAuthSteps
from tests.support.served_app import plain_http
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from proof.conformance.suite import Check, Programs

CHECKS: Final = {
    "authorization-server-metadata-endpoint": {
        "authorization-server-metadata",
        "authorization-server-metadata-cimd",
    },
    "authorization-code-grant": {"authorization-code-grant"},
}
"""All scenarios that this version of the suite has, and their checks."""

_REGISTRATION: Final = {"TRAX_SIGN_IN_REGISTRATION": "1"}


async def run_authorization(programs: Programs) -> Mapping[str, Sequence[Check]]:
    """Run them against the command, with a registered client and the sandbox's key.

    Raises:
        ProgramError: the suite wrote no results, or asked nobody to sign in.
    """
    callback = f"http://127.0.0.1:{(port := free_port())}/callback"
    with TemporaryDirectory() as folder:
        async with (
            hosted_server(Path(folder), "--sandbox", settings=_REGISTRATION) as server,
            OAuthSteps(server.address, redirect_uri=callback) as person,
        ):
            (await person.register()).raise_for_status()

            async def sign_in(url: str) -> None:
                location = await person.connected(url, SANDBOX_KEY)
                async with plain_http(callback) as browser:
                    await browser.get(location)

            return await programs.run_authorization(
                server.address, client_id=person.client_id, port=port, sign_in=sign_in
            )


def problems(scenarios: Mapping[str, Sequence[Check]]) -> Iterator[str]:
    """Whatever is not exactly these checks, each passed."""
    if scenarios.keys() != CHECKS.keys():
        yield f"authorization: the suite has run {', '.join(sorted(scenarios))}"
    for scenario, checks in scenarios.items():
        if (ids := {it.id for it in checks}) != CHECKS.get(scenario):
            yield f"authorization, {scenario}: its checks are {', '.join(sorted(ids))}"
        yield from (
            f"authorization, {scenario}: {it.id} is {it.status}. {it.message}".strip()
            for it in checks
            if it.status != "SUCCESS"
        )
