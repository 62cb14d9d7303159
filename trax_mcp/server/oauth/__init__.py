"""Who calls with a token of a sign-in, and the end of what belongs to one that has ended."""
