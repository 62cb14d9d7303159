"""Ten concurrent users with own accounts, and what each may and may not reach."""
