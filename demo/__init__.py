"""`make demo`: the collector on real traffic of a small shop."""
