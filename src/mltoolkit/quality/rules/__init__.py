"""Rules for a table: a suite read from TOML, evaluated in one pass, exported to Great Expectations, or suggested."""
