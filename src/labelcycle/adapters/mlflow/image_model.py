"""The trained model as MLflow serves it: images in, classes and probabilities out.

The model's artifacts hold the classifier, its settings name the encoder, and its code paths hold
labelcycle, so it predicts in an environment that has only its `pip_requirements`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel
from mlflow.types import ColSpec, DataType, Schema


def signature() -> ModelSignature:
    """Input: a column `image` with the bytes of an image file. Output: `label`, `probability`."""
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.binary, "image")]),
        outputs=Schema(
            [ColSpec(DataType.string, "label"), ColSpec(DataType.double, "probability")]
        ),
    )


class ImageClassifier(PythonModel):
    """Encoder and classifier of one round."""

    def load_context(self, context: Any) -> None:
        """Read the classifier from the model's artifacts, and fetch the encoder from MLflow."""
        from labelcycle.campaign.json_files import read_json
        from labelcycle.campaign.layout import MODEL_JSON
        from labelcycle.campaign.learner_files import load_learner

        model = Path(context.artifacts[MODEL_JSON]).parent  # its weights lie beside it
        record = read_json(model / MODEL_JSON)
        self._size: int | None = record["image_size"]  # of a learner that sees images itself
        if self._size is None:
            self._encoder = _fetched(context.model_config["encoder"])
        self._learner = load_learner(model)
        self._classes = record["classes"]
        self._ranges = {kind: tuple(ends) for kind, ends in record["values"].items()}

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """The likeliest class of each image and its probability.

        model_input : column `image`, the bytes of one image file (PNG, JPEG, ...) a row
        """
        del context, params
        from labelcycle import decoding
        from labelcycle.nn.square_crop import square

        images = [
            decoding.decode(bytes(data), ranges=self._ranges).image for data in model_input["image"]
        ]
        size = self._size or self._encoder.image_size
        pixels = np.stack([square(image, size) for image in images])
        learner_input = pixels if self._size else self._encoder.embed(pixels)
        probabilities = self._learner.predict_proba(learner_input)
        best = probabilities.argmax(axis=1)
        return pd.DataFrame(
            {
                "label": [self._classes[c] for c in best],
                "probability": probabilities.max(axis=1).astype(float),
            }
        )


def _fetched(address: str) -> Any:
    """The encoder that rounds share. Raises DataError where MLflow does not give it."""
    import mlflow

    from labelcycle.campaign.encoder_files import load_image_encoder
    from labelcycle.errors import DataError

    with TemporaryDirectory() as folder:
        try:
            where = mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=folder)
        except Exception as error:
            raise DataError(
                f"the model's encoder {address} cannot be fetched ({error}); it is logged once for"
                " all rounds: set MLFLOW_TRACKING_URI to the server that the model is of"
            ) from error
        return load_image_encoder(Path(where))
