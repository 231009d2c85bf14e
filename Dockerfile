# services: the servers of MLflow and Prefect, in the versions the worker talks to.
# worker: labelcycle itself, with the numeric libraries.

ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE} AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 \
    PIP_REQUIRE_HASHES=1 PIP_NO_DEPS=1 PIP_ONLY_BINARY=:all:
COPY deploy/with-secrets.sh /usr/local/bin/with-secrets
ENTRYPOINT ["with-secrets"]

FROM base AS services
COPY locks/services.txt /tmp/services.txt
RUN pip install --requirement /tmp/services.txt
RUN useradd --create-home labelcycle && install -d -o labelcycle /artifacts /artifacts/accounts
USER labelcycle
WORKDIR /home/labelcycle

# The wheel, and the one dependency without a wheel, are built by what locks/build.txt pins.
FROM base AS built
COPY locks/build.txt locks/runtime.txt /tmp/
RUN python -m venv /opt/labelcycle
ENV PATH=/opt/labelcycle/bin:$PATH
RUN pip install --requirement /tmp/build.txt \
    && pip install --no-binary antlr4-python3-runtime --no-build-isolation --requirement /tmp/runtime.txt
COPY . /opt/source
RUN PIP_REQUIRE_HASHES=0 PIP_ONLY_BINARY= pip install --no-build-isolation /opt/source \
    && pip uninstall --yes hatchling trove-classifiers

FROM base AS worker
RUN apt-get update && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
COPY --from=built /opt/labelcycle /opt/labelcycle
# `docker-compose exec worker labelcycle ...` has the secrets too.
RUN mkdir /opt/commands && ln -s /usr/local/bin/with-secrets /opt/commands/labelcycle
ENV PATH=/opt/commands:/opt/labelcycle/bin:$PATH
USER 1000:1000
WORKDIR /campaign
