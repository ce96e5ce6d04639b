"""Parts of the report that need more than a table: recordings, worst cases, what they look like."""
