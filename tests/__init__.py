"""The proof: every promise of the package as a sentence that runs."""
