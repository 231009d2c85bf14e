"""The commands of `labelcycle`, a module for each part of `labelcycle --help`."""
