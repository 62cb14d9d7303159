"""Tests of pages and generated files."""
