"""`python -m trax_mcp` is the command `trax-mcp`; it knows nothing else."""

from trax_mcp.cli import main

if __name__ == "__main__":
    main()
