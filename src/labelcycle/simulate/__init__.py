"""Campaigns without people: labels are bought round by round from a set that has them all.

`play_trial` plays one campaign with the code of the stages, `run_trials` all that are asked for,
`experiment` reads what to play from a file, and `run_experiment` makes tables and figures of it.

No person, no service and no round's file has a part in it. No plug-in is here either.
"""
