"""`python -m trax_mcp` runs the command `trax-mcp`."""

from trax_mcp.cli import main

if __name__ == "__main__":
    main()
