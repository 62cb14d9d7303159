"""The pure modules that know studios: names, times, name search and readiness."""
