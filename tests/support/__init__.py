"""What the tests and the measures share."""
