"""Tests of modules that a rewrite removes."""
