"""The Prefect flows; the only place that imports prefect.

No step is here: `cycle` has them, and a flow says in which order and when they run.
"""
