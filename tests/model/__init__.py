"""One model of consent: what must hold whatever callers, TRaX, time and two replicas do."""
