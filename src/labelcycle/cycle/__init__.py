"""The steps of a round as plain functions; the flows give them time, retries and a record."""
