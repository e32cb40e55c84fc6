"""Files in and out: one format a module, every error with path and line, every output whole or absent."""
