"""The file that MLflow runs to load a logged model: no pickle is read."""

from mlflow.models import set_model

from labelcycle.adapters.mlflow.image_model import ImageClassifier

set_model(ImageClassifier())
