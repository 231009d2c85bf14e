"""The services of `labelcycle up`: started, kept, asked after, stopped; databases and secrets.

What a running service is used for is not here: `annotation` and `mlflow` are its clients.
"""
