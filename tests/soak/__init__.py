"""Whole lives of campaigns, played at random: what always holds, and a program that looks for more.

No faults of servers are here: `faults` plays those.
"""
