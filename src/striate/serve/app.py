"""The ASGI app: the page, and a JSON interface to models. It finds the handler of a path, and answers with messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from striate.data.ruled import HEIGHT
from striate.errors import RequestError, unknown_name
from striate.look.predictor import Predictor
from striate.read.reader import BLANK
from striate.serve import messages as m
from striate.serve.batching import Limits
from striate.serve.endpoints import ENDPOINTS, Endpoint
from striate.serve.guard import SECURITY, Guard
from striate.serve.incoming import read_image_bytes, read_json, read_query
from striate.serve.log import LOGGER, event
from striate.serve.metrics import Metrics
from striate.serve.model import Model
from striate.serve.openapi import openapi
from striate.serve.refusals import RefusedError, answer_to
from striate.web.bundle import in_language
from striate.web.describe import health, run_names
from striate.web.sandbox import read_trial

BYTES = "application/octet-stream"
HEADS = [(name.encode("ascii"), value.encode("ascii")) for name, value in SECURITY.items()]
MODELS = "/models/"

Query = TypeVar("Query", bound=m.OfRun)
Handler = Callable[[Request], Awaitable[object]]
"""Gives a message, or a Response."""


@dataclass(frozen=True)
class Settings:
    """Who may ask, how much may wait for how long, and the page's language, "" for the browser's."""

    guard: Guard = field(default_factory=Guard)
    limits: Limits = field(default_factory=Limits)
    language: str = ""


class App:
    """The ASGI app of one or several runs.

    A request names a run by its path, /models/NAME/..., or by `?run=NAME`. Where one run is served it may leave the
    name out.
    """

    def __init__(self, predictors: Sequence[Predictor], settings: Settings) -> None:
        self.guard, self.metrics = settings.guard, Metrics()
        names = run_names([each.run.folder for each in predictors])
        self.models = {
            name: Model(name, each, settings.limits, self.metrics.watcher(name))
            for name, each in zip(names, predictors, strict=True)
        }
        web = Path(str(files("striate.web")))
        plays = next(iter(self.models.values())).predictor.board is not None
        page = (web / ("ui/board.html" if plays else "ui/index.html")).read_text(encoding="utf-8")
        self.index = in_language(page, settings.language)
        self.folders = {f"/static/{part}/": StaticFiles(directory=web / part) for part in ("ui", "compute")}
        handlers: dict[str, Handler] = {
            "/runs": self.runs,
            "/health": self.health,
            "/metrics": self.counts,
            "/network": self.network,
            "/examples": self.examples,
            "/predict": self.predict,
            "/predict-many": self.predict_many,
            "/activations": self.activations,
            "/unit": self.unit,
            "/position": self.position,
            "/read": self.read,
            "/attribution": self.attribution,
            "/account": self.account,
            "/openapi.json": self.openapi,
        }
        self.routes = {each.path: (each, handlers[each.path]) for each in ENDPOINTS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = perf_counter()
        self.metrics.open.inc()
        try:
            # No file here is so large that range requests would be useful.
            scope["headers"] = [each for each in scope["headers"] if each[0] not in (b"range", b"if-range")]
            request = Request(scope, receive)
            place, handler = self._find(scope["path"])
            try:
                response = await self._answer(request, place, handler)
            except Exception as error:
                response = answer_to(error, method=request.method, path=scope["path"])
                if response.status_code == 500:
                    LOGGER.exception("a request broke", extra={"members": {"path": place}})
            response.raw_headers.extend(HEADS)
            seconds, method = perf_counter() - began, request.method[:16]
            self.metrics.answered(method if method in ("GET", "HEAD", "POST") else "other", place, response.status_code,
                                  seconds)  # fmt: skip
            event("request", method=method, path=place, status=response.status_code,
                  milliseconds=round(1000 * seconds, 2))  # fmt: skip
            await response(scope, receive, send)
        finally:
            self.metrics.open.dec()

    async def _answer(self, request: Request, place: str, handler: Handler | None) -> Response:
        self.guard.check_place(request)
        if place == "/" and (cookie := self.guard.cookie(request)) is not None:
            language = request.query_params.get("lang", "")
            location = f"/?lang={language}" if language in ("en", "ko") else "/"
            return Response(status_code=303, headers={"location": location, "set-cookie": cookie})
        if place != "/health":
            self.guard.check_token(request)
        if handler is None:
            raise HTTPException(404)
        found = await handler(request)
        if isinstance(found, Response):
            return found
        return Response(msgspec.json.encode(found), media_type="application/json")

    def _find(self, path: str) -> tuple[str, Handler | None]:
        """The name that a path has in counts and logs, and what answers it."""
        if path == "/":
            return path, self.page
        name, place = "", path
        if path.startswith(MODELS):
            name, _, last = path.removeprefix(MODELS).rpartition("/")
            place = f"/{last}"
        if (route := self.routes.get(place)) is not None and (route[0].of_run or not name):
            return place, partial(self._routed, *route, name)
        for folder, served in self.folders.items():
            if path.startswith(folder):
                return "/static", partial(self._file, served, path.removeprefix(folder))
        return "other", None

    async def _routed(self, endpoint: Endpoint, handler: Handler, name: str, request: Request) -> object:
        _require_method(request, endpoint.method)
        if not endpoint.of_run:
            read_query(request, endpoint.query)  # which has no parameters
        if name:
            request.state.model = name
        return await handler(request)

    async def page(self, request: Request) -> Response:
        """The page."""
        _require_method(request, "GET")
        return Response(self.index, media_type="text/html")

    async def _file(self, served: StaticFiles, name: str, request: Request) -> Response:
        return await served.get_response(name, request.scope)

    async def runs(self, request: Request) -> m.Runs:
        """The runs that are served."""
        return m.Runs([each.served for each in self.models.values()])

    async def health(self, request: Request) -> m.Health:
        """Whether the server is running."""
        return msgspec.convert(health(next(iter(self.models.values())).predictor), m.Health)

    async def counts(self, request: Request) -> Response:
        """The metrics."""
        text, kind = self.metrics.text()
        return Response(text, headers={"content-type": kind})

    async def network(self, request: Request) -> m.Network:
        """A run's network."""
        return self._asked(request, m.OfRun)[0].network

    async def examples(self, request: Request) -> m.Examples:
        """A run's examples."""
        return self._asked(request, m.OfRun)[0].examples

    async def predict(self, request: Request) -> m.Prepared:
        """The class of an image."""
        model, query = self._asked(request, m.OfImage)
        return await model.predict(await read_image_bytes(request), prepared=query.prepared)

    async def predict_many(self, request: Request) -> m.Batch:
        """The classes of many images."""
        model, _ = self._asked(request, m.OfRun)
        return await model.predict_many(await read_image_bytes(request))

    async def activations(self, request: Request) -> m.Activations | Response:
        """Layers' outputs."""
        model, query = self._asked(request, m.OfLayers)
        as_bytes = request.headers.get("accept", "") == BYTES
        model.check_layers(query)
        found = await model.activations(await read_image_bytes(request), query, as_bytes=as_bytes)
        return Response(found, media_type=BYTES) if isinstance(found, bytes) else found

    async def unit(self, request: Request) -> m.Unit:
        """One unit's value."""
        model, query = self._asked(request, m.OfUnit)
        return await model.unit(await read_image_bytes(request), query)

    async def position(self, request: Request) -> m.Position:
        """The position at the end of a game."""
        model, _ = self._asked(request, m.OfRun)
        return await model.position(await read_image_bytes(request))

    async def read(self, request: Request) -> m.Lines:
        """The lines on an image."""
        model, _ = self._asked(request, m.OfRun)
        if model.reader is None:
            readers = ", ".join(name for name, each in self.models.items() if each.reader is not None)
            known = BLANK in model.predictor.classes
            reason = f"cannot slide along a line of {HEIGHT} pixels" if known else f"has no class {BLANK!r}"
            raise RequestError(
                f"{model.name} cannot read lines: its network {reason}.",
                f"Those that can are: {readers or 'none of those served'}.",
                "Train one: striate train lenet5-reader. Name it by ?run=NAME.",
            )
        return await model.read(model.reader, await read_image_bytes(request))

    async def attribution(self, request: Request) -> m.Attribution:
        """Each pixel's part in a class's score."""
        model, query = self._asked(request, m.OfClass)
        return await model.attribution(await read_image_bytes(request), query)

    async def account(self, request: Request) -> m.Tried:
        """The account of a network with other numbers."""
        model, _ = self._asked(request, m.OfRun)
        return await model.account(read_trial(await read_json(request)))

    async def openapi(self, request: Request) -> dict[str, object]:
        """The description of this interface."""
        return openapi(token=bool(self.guard.token))

    def _asked(self, request: Request, kind: type[Query]) -> tuple[Model, Query]:
        """The model that a request names, and its query."""
        query = read_query(request, kind)
        name, asked = getattr(request.state, "model", ""), query.run
        if name and asked:
            raise RefusedError(422, "the run is named twice.", "The path names it already.", "Leave out ?run=.")
        name = name or asked
        if not name and len(self.models) > 1:
            raise RefusedError(
                422,
                f"{len(self.models)} runs are served, and the request names none of them.",
                f"The runs are: {', '.join(self.models)}.",
                f"Name one in the path, as in /models/{next(iter(self.models))}{request.url.path}, or by ?run=NAME.",
            )
        name = name or next(iter(self.models))
        if name not in self.models:
            raise unknown_name("run", name, self.models)
        return self.models[name], query


def app(*predictors: Predictor, settings: Settings | None = None) -> App:
    """The ASGI app of one or several runs."""
    return App(predictors, settings or Settings())


def _require_method(request: Request, method: str) -> None:
    allowed = ("GET", "HEAD") if method == "GET" else (method,)
    if request.method not in allowed:
        raise HTTPException(405, headers={"allow": ", ".join(allowed)})
