"""Unit tests of what is pure: values in, values out. They may import these modules and no others."""
