"""A small TRaX for demos and tests, built on the contract document alone.

It shares no model with the rest of the package: a wrong model would be wrong on both sides.
"Sandbox behaviour" marks what TRaX's documents do not define.
"""

from trax_mcp.sandbox.deployment import RateLimit
from trax_mcp.sandbox.faults import Fault, Faults
from trax_mcp.sandbox.keys import (
    MODERATOR_KEY,
    READONLY_KEY,
    REVOKED_KEY,
    SANDBOX_KEY,
    STRANGER_KEY,
)
from trax_mcp.sandbox.messages import ConnectionDropped
from trax_mcp.sandbox.request_log import ReceivedRequest
from trax_mcp.sandbox.service import Sandbox
from trax_mcp.sandbox.transport import SandboxTransport
from trax_mcp.sandbox.virtual_clock import Clock
from trax_mcp.sandbox.world import World

__all__ = [
    "MODERATOR_KEY",
    "READONLY_KEY",
    "REVOKED_KEY",
    "SANDBOX_KEY",
    "STRANGER_KEY",
    "Clock",
    "ConnectionDropped",
    "Fault",
    "Faults",
    "RateLimit",
    "ReceivedRequest",
    "Sandbox",
    "SandboxTransport",
    "World",
]
