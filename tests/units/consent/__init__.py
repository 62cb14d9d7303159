"""What a person is shown, what their yes is bound to, and what a call may do with it: as values."""
