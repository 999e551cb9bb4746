"""The page as one file that needs no server: it has the network, its weights, and what computes in the browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files
from pathlib import Path

from striate.account import account
from striate.errors import OutputError, SpecError
from striate.serve.bundle import bundle
from striate.serve.describe import describe
from striate.serve.numbers import numbers
from striate.serve.predictor import Predictor
from striate.train.files import write_whole

MOST_MACS = 100_000_000
"""A network of more is too slow in a browser to be drawn with: this many take some 70 ms."""

_LOCAL = ("run", "trained_on")
"""What describes this machine: paths."""
_SERVED = re.compile(r"[ \t]*<!-- served: -->.*?<!-- :served -->\n?", re.DOTALL)


def alone(predictor: Predictor) -> str:
    """The page as HTML. Raises SpecError for a network of more than MOST_MACS."""
    network = predictor.run.network
    macs = account(network).totals.macs
    if macs > MOST_MACS:
        raise SpecError(
            f"{network.name} takes {macs:,} MACs an image.",
            f"A page that computes in the browser takes {MOST_MACS:,} at most.",
            "Serve it: striate serve RUN.",
        )
    static = Path(str(files("striate.serve").joinpath("static")))
    style = "".join((static / name).read_text(encoding="utf-8") for name in ("page.css", "layers.css"))
    script = bundle(static, "page.js", instead={"server.js": "local.js"})
    described = {name: each for name, each in describe(predictor).items() if name not in _LOCAL}
    described |= {"trials": [], "methods": ["occlusion"]}
    found, weights = numbers(predictor)
    page = _SERVED.sub("", (static / "index.html").read_text(encoding="utf-8"))
    head, body = page.split("</head>\n", 1)
    icon = base64.b64encode((static / "icon.svg").read_bytes()).decode()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; worker-src blob:; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = head.replace(
        '<meta charset="utf-8">\n',
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n',
    )
    parts = [
        f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">\n',
        f"<style>{style}</style>\n</head>\n",
        body.removesuffix("</body>\n</html>\n"),
        _data("striate-network", _json(described)),
        _data("striate-numbers", _json(found)),
        _data("striate-weights", base64.b64encode(weights).decode()),
        _data("striate-worker", bundle(static, "compute/main.js")),
        f'<script type="module">{script}</script>\n</body>\n</html>\n',
    ]
    return head + "".join(parts)


def write_page(predictor: Predictor, file: Path) -> int:
    """Write the page to a file, whole or not at all; gives its size in bytes. Raises SpecError or OutputError."""
    content = alone(predictor).encode()
    try:
        write_whole(file, content)
    except OutputError as error:
        raise OutputError(error.what, "Nothing was written.", "Give another file to --out.") from None
    return len(content)


def _data(name: str, content: str) -> str:
    """A block of data that no browser runs."""
    return f'<script type="application/octet-stream" id="{name}">{_inert(content)}</script>\n'


def _json(members: dict[str, object]) -> str:
    """JSON in which no character can end a script: names of classes and layers are their owners' words."""
    return json.dumps(members, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _inert(content: str) -> str:
    if "</script" in content.lower() or "<!--" in content:
        raise SpecError("a module holds the end of a script.", "It must not.")
    return content


def _digest(content: str) -> str:
    """How a content security policy names one script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
