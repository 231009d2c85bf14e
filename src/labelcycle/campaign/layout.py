"""Where each file of a campaign is, relative to the campaign's folder; `store` opens them.

Nothing is imported here, so that the commands can know the stages without loading numpy.
"""

PARAMS = "params.yaml"
DVC_YAML = "dvc.yaml"
CODE = "code.json"
SCHEMA = "schema.json"
AGAIN = "again.json"

DATA = "data"
IMAGES = f"{DATA}/images"
SAMPLES = f"{DATA}/samples.jsonl"
QUARANTINE = f"{DATA}/quarantine.jsonl"
LABELS = f"{DATA}/labels"
HOLDOUT = f"{DATA}/holdout.jsonl"

ROUNDS = "rounds"

WORK = "work"
ENCODER = f"{WORK}/encoder"
FEATURES = f"{WORK}/features"
MODEL = f"{WORK}/model"
OWN_FEATURES = f"{WORK}/own.npy"
CLUSTERS = f"{WORK}/clusters.npz"
SELECTION = f"{WORK}/selection.json"
METRICS = f"{WORK}/metrics.json"
FIGURES = f"{WORK}/figures"

PRIVATE = ".labelcycle"
