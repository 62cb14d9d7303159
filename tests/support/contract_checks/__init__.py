"""A stricter contract, by which schemathesis checks the sandbox."""
