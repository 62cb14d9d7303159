"""Unit tests of pure modules: values in, values out. They import these modules and no others."""
