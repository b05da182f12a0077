"""One table of a MySQL or MariaDB database into a warehouse: PostgreSQL, DuckDB or BigQuery."""
