"""Tools made of several reads of studios."""
