"""Fixtures of these tests alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inside.setup import client_on

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client


@pytest.fixture
def trax(sandbox: Sandbox) -> Client:
    """Our TRaX client on the sandbox, in process, without real pauses."""
    return client_on(sandbox)
