"""The description of the interface in OpenAPI 3.1, generated from the endpoints' types."""

from __future__ import annotations

from typing import Any

import msgspec

from striate.serve.endpoints import ENDPOINTS, Endpoint
from striate.serve.messages import Error
from striate.version import __version__
from striate.web.sandbox import Trial

Schema = dict[str, Any]

IMAGES = ("image/png", "image/jpeg", "application/octet-stream")
BYTES: Schema = {"type": "string", "format": "binary"}


def openapi(*, token: bool = False) -> Schema:
    """The description; with `token`, that requests need one."""
    kinds = [each.gives for each in ENDPOINTS if each.gives is not None]
    schemas, components = msgspec.json.schema_components(
        [*kinds, Error, Trial], ref_template="#/components/schemas/{name}"
    )
    gives = dict(zip(kinds, schemas, strict=False))
    paths: Schema = {}
    for each in ENDPOINTS:
        operation = _operation(each, gives, error=schemas[-2], trial=schemas[-1])
        paths[each.path] = {each.method.lower(): operation}
        if each.of_run:
            paths[f"/models/{{name}}{each.path}"] = {each.method.lower(): _of_model(operation)}
    document: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "Striate", "version": __version__, "description": "Trained networks that answer."},
        "paths": paths,
        "components": {"schemas": components},
    }
    if token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _operation(each: Endpoint, gives: dict[Any, Schema], *, error: Schema, trial: Schema) -> Schema:
    content = {"text/plain": {"schema": {"type": "string"}}} if each.gives is None else _json(gives[each.gives])
    if each.path == "/activations":
        content["application/octet-stream"] = {"schema": BYTES}
    refused = {"description": "What went wrong, what was expected, what to do.", "content": _json(error)}
    responses = {"200": {"description": each.what, "content": content}, "4XX": refused, "5XX": refused}
    operation: Schema = {
        "operationId": each.path.strip("/").removesuffix(".json"),
        "summary": each.what,
        "responses": responses,
    }
    if parameters := [_parameter(one) for one in msgspec.structs.fields(each.query)]:
        operation["parameters"] = parameters
    match each.takes:
        case "image":
            operation["requestBody"] = {"required": True, "content": {kind: {"schema": BYTES} for kind in IMAGES}}
        case "pixels":
            operation["requestBody"] = {"required": True, "content": {IMAGES[-1]: {"schema": BYTES}}}
        case "json":
            operation["requestBody"] = {"required": True, "content": _json(trial)}
        case "":
            pass
    return operation


def _parameter(one: msgspec.structs.FieldInfo) -> Schema:
    schema = msgspec.json.schema(one.type)
    if "anyOf" in schema:  # a parameter has no null: it is left out
        schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
    what = schema.pop("description", "")
    if not one.required and one.default:
        schema["default"] = one.default
    return {"in": "query", "name": one.encode_name, "description": what, "required": one.required, "schema": schema}


def _of_model(operation: Schema) -> Schema:
    """The same operation of the run that the path names."""
    name: Schema = {"in": "path", "name": "name", "required": True, "schema": {"type": "string"}}
    name["description"] = "The run's name."
    others = [each for each in operation["parameters"] if each["name"] != "run"]
    return operation | {"operationId": f"model-{operation['operationId']}", "parameters": [name, *others]}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
