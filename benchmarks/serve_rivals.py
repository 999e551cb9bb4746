"""Plain FastAPI servers of a run, for benchmarks/serve.py: `python serve_rivals.py RUN PORT torch|onnx-runtime`.

Each answers one image file at /predict and pixels at /predict-many, as the server of Striate does, on one thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import uvicorn
from fastapi import FastAPI, Request  # pyright: ignore[reportMissingImports]
from PIL import Image
from pydantic import BaseModel  # pyright: ignore[reportMissingImports]

from striate.exchange.session import NetworkSession
from striate.modules import weights_of
from striate.train import open_run
from striate.train.losses import class_scores


class Prediction(BaseModel):
    """The answer to an image."""

    name: str
    probability: float
    probabilities: dict[str, float]


class Batch(BaseModel):
    """The answer to many images."""

    classes: list[str]
    probabilities: list[list[float]]


def scores_of(folder: Path, kernels: str) -> Callable[[np.ndarray], np.ndarray]:
    """The network: floats in, scores out."""
    run = open_run(folder)
    module = run.model().eval()
    if kernels == "onnx-runtime":
        onnxruntime.set_default_logger_severity(3)
        session = NetworkSession(run.network, weights_of(module), threads=1)
        return lambda images: class_scores(run.network, torch.from_numpy(session.answers(images))).numpy()

    @torch.inference_mode()
    def scores(images: np.ndarray) -> np.ndarray:
        return class_scores(run.network, module(torch.from_numpy(images))).numpy()

    return scores


def app_of(folder: Path, kernels: str) -> FastAPI:
    """The plain app. Its endpoints are coroutines: for a small network that is faster than FastAPI's threads."""
    run, scores = open_run(folder), scores_of(folder, kernels)
    temperature, (low, high) = run.temperature, run.preprocessing.range()  # a run reads its checkpoint for it
    channels, height, width = run.preprocessing.shape
    app = FastAPI()

    def probabilities(pixels: np.ndarray) -> np.ndarray:
        found = scores(pixels.astype(np.float32) * ((high - low) / 255) + low) / temperature
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    @app.post("/predict")
    async def predict(request: Request) -> Prediction:  # pyright: ignore[reportUnusedFunction]
        pixels = np.asarray(Image.open(BytesIO(await request.body())).convert("L"))
        rows, columns = height - pixels.shape[0], width - pixels.shape[1]
        padded = np.pad(pixels, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))
        values = probabilities(padded[None, None])[0].tolist()
        best = max(range(len(values)), key=values.__getitem__)
        return Prediction(
            name=run.classes[best],
            probability=values[best],
            probabilities=dict(zip(run.classes, values, strict=True)),
        )

    @app.post("/predict-many")
    async def predict_many(request: Request) -> Batch:  # pyright: ignore[reportUnusedFunction]
        pixels = np.frombuffer(await request.body(), dtype=np.uint8).reshape(-1, channels, height, width)
        values = probabilities(pixels)
        classes = [run.classes[best] for best in values.argmax(axis=1)]
        return Batch(classes=classes, probabilities=values.tolist())

    return app


def main() -> None:
    """Serve until SIGTERM; uvicorn takes uvloop and httptools where they are installed."""
    torch.set_num_threads(1)
    folder, port, kernels = sys.argv[1:]
    uvicorn.run(app_of(Path(folder), kernels), host="127.0.0.1", port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
