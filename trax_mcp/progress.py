"""How far something is, told as it goes. Whoever takes time is handed whom to tell."""

from collections.abc import Awaitable, Callable

Progress = Callable[[float, float, str], Awaitable[None]]
"""Told how far it is, of how far it can get, and what is being done."""
