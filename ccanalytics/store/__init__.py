"""Days on disk: written whole or not at all, read by the loader and by any tool for Parquet."""
