"""The Prefect flows; the only place that imports prefect."""
