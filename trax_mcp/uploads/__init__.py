"""Uploads: a file of this computer becomes an asset in the media library.

Does not import MCP or consent.
"""
