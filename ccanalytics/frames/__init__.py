"""Records of UTC days -> tidy Arrow tables; the schemas are the data dictionary."""
