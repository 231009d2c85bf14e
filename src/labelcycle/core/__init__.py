"""Numeric core: arrays in, arrays out. No torch, no file, no clock, no log, no service."""
