"""The ASGI app: the page, and a JSON interface to predictors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from torch import Tensor

from striate.accounting.unit import Rectangle, seen, unclipped
from striate.description.network import INPUT
from striate.errors import StriateError, unknown_name
from striate.look.predictor import Predictor
from striate.read.reader import BLANK, Reader
from striate.serve import incoming, wire
from striate.serve.guard import (
    LOOPBACK,
    WAITING_LONG,
    Ascii,
    Guard,
    Queue,
    on_deliberate,
    on_http,
    on_refused,
    on_unexpected,
)
from striate.serve.incoming import RefusedError
from striate.serve.openapi import ENDPOINTS, openapi
from striate.serve.unit import explain, find_step
from striate.web.attribution import METHODS, attribution
from striate.web.describe import describe, health, run_names
from striate.web.sandbox import read_trial, trials, try_it

BYTES = "application/octet-stream"
MOST_VALUES = 2_000_000
"""The most numbers in an answer of /activations."""
MOST_MAPS = 64
"""The number of maps of each layer that are sent unless a request asks for another number."""

Handler = Callable[[Request], Awaitable[Response]]


class Numbers(Ascii):
    """JSON with finite numbers only, because JSON has no others."""

    def render(self, content: Any) -> bytes:
        try:
            return super().render(content)
        except ValueError:
            raise _not_finite() from None


def app(*predictors: Predictor, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The ASGI app of one or several runs; `hosts` are the host names that requests may use, empty for any.

    A request names a run by `?run=NAME`, the name of its folder; without it the first run answers.
    """
    web = Path(str(files("striate.web")))
    handlers = Handlers(predictors).by_path()
    routes = [Route(each.path, handlers[each.path], methods=[each.method]) for each in ENDPOINTS]

    async def page(request: Request) -> Response:
        return FileResponse(web / "ui/index.html")

    parts = [Mount(f"/static/{part}", StaticFiles(directory=web / part)) for part in ("ui", "compute")]
    return Starlette(
        routes=[Route("/", page), *routes, *parts],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={
            RefusedError: on_refused,
            StriateError: on_deliberate,
            HTTPException: on_http,
            Exception: on_unexpected,
        },
    )


class Handlers:
    """The handlers of the paths of ENDPOINTS."""

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        self.runs = dict(zip(run_names([each.run.folder for each in predictors]), predictors, strict=True))
        self.twins = {name: each.twin() for name, each in self.runs.items()}
        self.described = {name: describe(each) for name, each in self.runs.items()}
        self.readers = {name: Reader(each.run) for name, each in self.runs.items() if BLANK in each.run.classes}
        self.queue, self.long_queue = Queue(), Queue(WAITING_LONG)

    def by_path(self) -> dict[str, Handler]:
        """The handlers, by their path."""
        return {
            "/health": self.health,
            "/runs": self.listed,
            "/network": self.network,
            "/predict": self.predict,
            "/activations": self.activations,
            "/unit": self.unit,
            "/read": self.read,
            "/attribution": self.attribution,
            "/account": self.account,
            "/openapi.json": self.openapi,
        }

    async def health(self, request: Request) -> Response:
        return Numbers(health(next(iter(self.runs.values()))))

    async def listed(self, request: Request) -> Response:
        runs = [
            {
                "name": name,
                "classes": list(each.run.classes),
                "reads": name in self.readers,
                "trained": each.trained,
                "kernels": each.choice.kernels,
            }
            for name, each in self.runs.items()
        ]
        return Numbers({"runs": runs})

    async def network(self, request: Request) -> Response:
        name = self._name(request)
        own = self.runs[name].run.network
        return Numbers(self.described[name] | {"trials": trials(own), "methods": METHODS})

    async def openapi(self, request: Request) -> Response:
        return Numbers(openapi())

    async def predict(self, request: Request) -> Response:
        predictor, prepared = self._predictor(request), _prepared(request)
        content = await incoming.read_image_bytes(request)
        found = await self.queue.run(lambda: predictor.predict(content, prepared=prepared))
        steps = [{"name": step.name, "note": step.note} for step in found.steps]
        return Numbers(wire.prediction_head(found) | {"steps": steps})

    async def activations(self, request: Request) -> Response:
        predictor, prepared = self._predictor(request), _prepared(request)
        maps = incoming.whole(request, "maps", least=1, most=4096, default=MOST_MAPS)
        paths = request.query_params.get("paths")
        plan = predictor.plan
        wanted = None if paths is None else {find_step(plan, path) for path in paths.split(",") if path != "input"}
        as_bytes = request.headers.get("accept", "") == BYTES
        content = await incoming.read_image_bytes(request)

        def work() -> Response:
            began = perf_counter()
            found = predictor.watch(content, wanted, prepared=prepared)
            layers = {
                "input" if number == INPUT else plan.steps[number].path: values
                for number, values in sorted(found.outputs.items())
            }
            shown = {path: _first(values, maps) for path, values in layers.items()}
            if sum(values.numel() for values in shown.values()) > MOST_VALUES * (16 if as_bytes else 1):
                raise RefusedError(
                    422, f"more than {MOST_VALUES:,} activations.", "An answer holds no more.", "Ask with ?paths=A,B."
                )
            head: dict[str, Any] = wire.prediction_head(found.prediction)
            if as_bytes:
                head["milliseconds"] = round(1000 * (perf_counter() - began), 1)
                try:
                    return Response(wire.pack(head, shown, found.prediction.steps), media_type=BYTES)
                except ValueError:
                    raise _not_finite() from None
            listed = [
                {"path": path, "shape": list(v.shape), "values": v.flatten().tolist()} for path, v in shown.items()
            ]
            return Numbers(head | {"layers": listed})

        return await self.queue.run(work)

    async def unit(self, request: Request) -> Response:
        predictor, prepared = self._predictor(request), _prepared(request)
        plan = predictor.plan
        number = find_step(plan, request.query_params.get("path", ""))
        place = tuple(incoming.whole(request, name, default=0) for name in ("map", "row", "column"))
        content = await incoming.read_image_bytes(request)

        def work() -> Response:
            step = plan.steps[number]
            sources = {number, *(source for source in step.sources if source != INPUT)}
            found = predictor.watch(content, sources, prepared=prepared)
            explained = explain(predictor, found.outputs, number, (place[0], place[1], place[2]))
            at = [range(each, each + 1) for each in place[1:]] if len(step.output) == 3 else [None, None]
            corner = Rectangle((place[1], place[1]), (place[2], place[2])) if len(step.output) == 3 else None
            members = {
                "path": step.path,
                "map": place[0],
                "row": place[1],
                "column": place[2],
                "value": explained.value,
                "formula": explained.formula,
                "terms": [vars(term) for term in explained.terms],
                "others": {"count": explained.others[0], "value": explained.others[1]},
                "bias": explained.bias,
                "field": _rectangle(seen(plan, number, at[0], at[1])),
                "unclipped": _rectangle(unclipped(plan, number, corner)),
            }
            return Numbers(members)

        return await self.queue.run(work)

    async def read(self, request: Request) -> Response:
        name = self._name(request)
        if name not in self.readers:
            raise RefusedError(
                422,
                f"{name} cannot read lines: its network has no class {BLANK!r}.",
                f"Those that can are: {', '.join(self.readers) or 'none of those served'}.",
                "Train one: striate train lenet5-reader. Name it by ?run=NAME.",
            )
        content = await incoming.read_image_bytes(request)
        lines = await self.queue.run(lambda: self.readers[name].read(content))
        return Numbers({"lines": [line.to_dict() for line in lines]})

    async def attribution(self, request: Request) -> Response:
        twin, prepared = self.twins[self._name(request)], _prepared(request)
        method = incoming.word(request, "method", METHODS, default=METHODS[0])
        classes = twin.run.classes
        name = request.query_params.get("class", "")
        if name not in classes:
            raise unknown_name("class", name, classes)
        content = await incoming.read_image_bytes(request)

        def work() -> Response:
            image, _ = twin.read(content, prepared=prepared)
            found = attribution(twin, image, classes.index(name), method=method)
            return Numbers({"class": name, "method": method, "values": found.tolist()})

        return await self.long_queue.run(work)

    async def account(self, request: Request) -> Response:
        trial = read_trial(await incoming.read_json(request))
        own = self._predictor(request).run.network
        return Numbers(await self.queue.run(lambda: try_it(trial, own=own)))

    def _name(self, request: Request) -> str:
        name = request.query_params.get("run", next(iter(self.runs)))
        if name not in self.runs:
            raise unknown_name("run", name, self.runs)
        return name

    def _predictor(self, request: Request) -> Predictor:
        return self.runs[self._name(request)]


def _not_finite() -> RefusedError:
    return RefusedError(
        422,
        "the network gave numbers that are not finite.",
        "Its training went wrong, or its weights are damaged.",
        "Train it again, with a lower rate.",
    )


def _first(values: Tensor, maps: int) -> Tensor:
    """The first maps; all maps where each is one value, and all values of a flat vector."""
    return values[:maps] if values.ndim == 3 and values[0].numel() > 1 else values


def _prepared(request: Request) -> bool:
    return incoming.word(request, "steps", ("on", "off"), default="on") == "on"


def _rectangle(found: Rectangle | None) -> dict[str, list[int]] | None:
    return None if found is None else {"rows": list(found.rows), "columns": list(found.columns)}
