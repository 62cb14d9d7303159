"""What answers say, in words."""
