"""Stored days for other tools: a folder of files, a DuckDB or SQLite file, PostgreSQL."""
