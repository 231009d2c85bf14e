"""DVC: its commands, its program, and which of its files a campaign may hold."""
