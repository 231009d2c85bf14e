# services: the servers of MLflow and Prefect, in the versions the worker talks to.
# worker: labelcycle itself, with the numeric libraries.

FROM python:3.11-slim AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1
COPY constraints.txt /tmp/constraints.txt

FROM base AS services
RUN pip install --constraint /tmp/constraints.txt mlflow prefect "fastapi<0.151" "psycopg2-binary>=2.9,<3"
RUN useradd --create-home labelcycle && install -d -o labelcycle /artifacts
USER labelcycle
WORKDIR /home/labelcycle

FROM base AS worker
RUN apt-get update && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
COPY . /opt/labelcycle
RUN pip install --constraint /tmp/constraints.txt /opt/labelcycle && rm -rf /opt/labelcycle
WORKDIR /campaign
