"""`trax-mcp doctor`: what is checked on this computer and at TRaX, and how it is reported."""
