"""From a folder or an address to samples: found, fetched, ingested, each picture once.

How bytes become pixels is in `decoding`.
"""
