# A server of trained networks, built from this repository:
#
#   docker build -t striate .                       buildah and podman build it as well: buildah bud --format docker
#   docker run --rm -p 8000:8000 -v "$PWD/runs:/runs:ro" -e STRIATE_TOKEN=... striate serve /runs/lenet5 --host 0.0.0.0
#
# docs/serve.md says what a server wants to know before other machines may ask it. By default pip's index gives PyTorch
# with its libraries for GPUs, which take gigabytes; PyTorch's own index for CPUs, named by
# --build-arg PIP_EXTRA_INDEX_URL=..., gives one without them.

FROM python:3.12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
ARG PIP_EXTRA_INDEX_URL
WORKDIR /source
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /striate \
    && /striate/bin/pip install --no-cache-dir --constraint constraints.txt '.[serve,onnx]'

FROM python:3.12-slim
COPY --from=build /striate /striate
# It listens, and reads runs: it needs to write nowhere.
RUN useradd --create-home striate
USER striate
ENV PATH=/striate/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=60s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=5).read()"]
ENTRYPOINT ["striate"]
CMD ["serve", "/runs/lenet5", "--host", "0.0.0.0", "--log", "json"]
