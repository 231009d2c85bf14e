"""The services of `labelcycle up`: started, kept, asked after, stopped; databases and secrets."""
