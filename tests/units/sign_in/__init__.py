"""Unit tests of the pure rules of signing in: addresses, and what a client may say of itself."""
