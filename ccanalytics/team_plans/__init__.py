"""The money of plans that have no API, from the report that claude.ai exports."""
