"""The steps that change a campaign: begin, ingest, open, close, change classes, verify.

What says where it stands is in `rounds`; when steps are taken is up to the flows.
"""
