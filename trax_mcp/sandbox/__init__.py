"""A small TRaX to play and to test with, built on the contract document alone.

It is an independent witness and knows nothing else of this package: if it shared our models, a
wrong model would be wrong on both sides. What it does beyond TRaX's documents is marked "sandbox
behaviour" where it is done.
"""

from trax_mcp.sandbox.clock import Clock
from trax_mcp.sandbox.deployment import RateLimit
from trax_mcp.sandbox.faults import Fault, Faults
from trax_mcp.sandbox.keys import (
    MODERATOR_KEY,
    READONLY_KEY,
    REVOKED_KEY,
    SANDBOX_KEY,
    STRANGER_KEY,
)
from trax_mcp.sandbox.log import Received
from trax_mcp.sandbox.messages import ConnectionDropped
from trax_mcp.sandbox.sandbox import Sandbox
from trax_mcp.sandbox.transport import SandboxTransport
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
    "Received",
    "Sandbox",
    "SandboxTransport",
    "World",
]
