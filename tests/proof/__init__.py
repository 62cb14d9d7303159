"""Tests of `proof`."""
