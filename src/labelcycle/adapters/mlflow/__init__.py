"""MLflow: rounds as runs, models, data sets; where it is, and a client that answers in time."""
