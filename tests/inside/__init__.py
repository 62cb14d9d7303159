"""Tests of an inside that is about to be built anew. `make test` leaves them out.

What users rely on is tested through the front door; these go with the modules that they know.
"""
