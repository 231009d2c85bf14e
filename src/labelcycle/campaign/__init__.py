"""The files of a campaign: every path, and one reader and one writer for each kind of file.

No service, and no rule of a round, is here.
"""
