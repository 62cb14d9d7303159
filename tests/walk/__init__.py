"""Whole tasks, as a person asks for them."""
