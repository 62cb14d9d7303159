"""People sign in with their TRaX key, and their client gets tokens of this server, by OAuth 2.1.

A room of its own: on the day TRaX itself has OAuth, it can be deleted whole.
"""
