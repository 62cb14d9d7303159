"""Watches a studio's chat and stream status, and keeps what clients read from them."""
