"""A service -> records of UTC days: one file per source, and `registry`, which knows them all."""
