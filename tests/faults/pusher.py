"""A process that pushes one round: its folder, media, address and token, to be killed."""

import sys
from pathlib import Path

import httpx

from faults.rounds import CHUNK, PAGE, Place, Round
from labelcycle.adapters.annotation.label_studio import label_studio_backend, rest_api

if __name__ == "__main__":
    folder, media, url, token = sys.argv[1:]
    rest_api.PAGE, label_studio_backend.CHUNK = PAGE, CHUNK
    with httpx.HTTPTransport() as network:
        place = Place(Path(folder), Path(media), network, url, token)
        round_ = Round(place, Path(folder))
        round_.push(round_.backend())
