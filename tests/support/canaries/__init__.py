"""Canary secrets: put wherever they can enter the server, then searched for in all its output."""
