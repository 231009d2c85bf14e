"""Where a campaign stands, what its rounds asked, and what they were told.

It reads and judges, and keeps what stands beside the rounds: the journal of looks, decisions,
requests, `code.json`. It writes no file of a round and changes nothing in a backend: the steps that
do are in `cycle`.
"""
