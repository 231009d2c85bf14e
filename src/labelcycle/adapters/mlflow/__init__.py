"""MLflow: rounds as runs, models, data sets; where it is, and a client that answers in time.

No server is started here, and which rounds are logged is up to `cycle`.
"""
