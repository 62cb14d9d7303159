"""Invented input: values, requests, bytes on a wire, and an independent judge of what is valid."""
