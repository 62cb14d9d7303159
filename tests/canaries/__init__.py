"""Secrets planted wherever they can enter, a tour past all of them, and the search afterwards."""
