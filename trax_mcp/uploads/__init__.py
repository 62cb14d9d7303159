"""Uploads local files to TRaX's media library."""
