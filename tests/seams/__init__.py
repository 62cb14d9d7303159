"""What is real where the other tests have a fake: TLS, clock, names, chance, and the wheel."""
