"""DVC: its commands, its program, and which of its files a campaign may hold.

Which stages there are, and what they need and make, is in `stages`.
"""
