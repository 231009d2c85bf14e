"""The figures of an experiment, drawn from results.json and map-*.json alone.

python -m labelcycle.simulate.figures FOLDER [--format svg]

No result is computed here: `simulate.result_rows` has done it.
"""
