"""The page as one file without a server: it has the network, its weights, and the JavaScript that computes it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from striate.accounting import account
from striate.description.labels import path_part
from striate.description.network import Network
from striate.errors import OutputError, SpecError
from striate.files import elsewhere, write_whole
from striate.look.predictor import Predictor
from striate.web.attribution import METHODS
from striate.web.bundle import bundle, in_language
from striate.web.describe import describe, described_examples
from striate.web.notation import table
from striate.web.numbers import description, numbers
from striate.web.sandbox import EXAMPLES

MOST_MACS = 100_000_000
"""The limit of MACs: a larger network is too slow in a browser while one draws. This many take about 70 ms."""

Members = dict[str, object]

_LOCAL = ("run", "trained_on")
"""The members that describe this machine (paths), which are left out of the file."""
_SERVED = re.compile(r"[ \t]*<!-- served: -->.*?<!-- :served -->\n?", re.DOTALL)


def alone(*predictors: Predictor, language: str = "", examples: bool = True) -> str:
    """The page of one or several runs as HTML, in a language, "en" or "ko"; "" is the browser's own.

    With `examples` it holds the validation images that the runs have kept to be tried.

    Raises SpecError for networks of more than MOST_MACS together, and for one that plays Go.
    """
    for each in predictors:
        if each.board is not None:
            raise SpecError(
                f"{each.run.network.name} plays Go, and its page needs a server, which knows the rules.",
                "A page in one file draws digits and shows pictures.",
                f"Serve it: striate serve {each.run.folder}",
            )
    _check_size([each.run.network for each in predictors])
    web = Path(str(files("striate.web")))
    style = "".join(
        (web / "ui" / name).read_text(encoding="utf-8") for name in ("page.css", "layers.css", "lecture.css")
    )
    script = bundle(web, "ui/page.js", instead={"ui/server.js": "ui/local.js"})
    described, found, weights = _runs(predictors)
    tries = [description(each) for each in EXAMPLES.values()]
    shown = {
        one["run"]: described_examples(each.run) if examples else []
        for one, each in zip(described, predictors, strict=True)
    }
    page = _SERVED.sub("", (web / "ui/index.html").read_text(encoding="utf-8"))
    head, body = page.split("</head>\n", 1)
    icon = base64.b64encode((web / "ui/icon.svg").read_bytes()).decode()
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
        _data("striate-numbers", _json({"runs": found, "examples": tries, "notation": table()})),
        _data("striate-examples", _json(shown)),
        _data("striate-weights", base64.b64encode(weights).decode()),
        _data("striate-worker", bundle(web, "compute/main.js")),
        f'<script type="module">{script}</script>\n</body>\n</html>\n',
    ]
    return in_language(head, language) + "".join(parts)


def write_page(*predictors: Predictor, file: Path, language: str = "", examples: bool = True) -> int:
    """Write the page to a file, whole or not at all; returns its size in bytes. Raises SpecError or OutputError."""
    if file.suffix.lower() not in (".html", ".htm"):
        raise OutputError(
            f"{file} does not end in .html.",
            "A page is an HTML file.",
            f"Name it {path_part(file.stem)}.html.",
        )
    content = alone(*predictors, language=language, examples=examples).encode()
    with elsewhere("--out"):
        write_whole(file, content)
    return len(content)


def _runs(predictors: Sequence[Predictor]) -> tuple[list[Members], list[Members], bytes]:
    """The descriptions of the runs for the page, their numbers for the worker, and all weights, one run after another.

    The weights of a run begin at `at`.
    """
    names = run_labels([each.run.folder for each in predictors]) if len(predictors) > 1 else [""]
    trials = [*EXAMPLES, *dict.fromkeys(each.run.network.name for each in predictors)]
    described: list[Members] = []
    found: list[Members] = []
    weights = b""
    for name, predictor in zip(names, predictors, strict=True):
        own = {key: each for key, each in describe(predictor).items() if key not in _LOCAL}
        described.append(own | {"run": name, "trials": trials, "methods": METHODS})
        members, tensors = numbers(predictor)
        found.append(members | {"run": name, "at": len(weights) // 4})
        weights += tensors
    return described, found, weights


def run_labels(folders: Sequence[Path]) -> list[str]:
    """Names for runs without the paths of their folders: the last part of each, numbered where two are the same.

    >>> run_labels([Path("a/lenet5"), Path("dense"), Path("b/lenet5")])
    ['lenet5', 'dense', 'lenet5 (2)']
    """
    short = [folder.resolve().name for folder in folders]
    counts = [short[: place + 1].count(name) for place, name in enumerate(short)]
    return [name if count == 1 else f"{name} ({count})" for name, count in zip(short, counts, strict=True)]


def _check_size(networks: list[Network]) -> None:
    macs = sum(account(each).totals.macs for each in networks)
    if macs > MOST_MACS:
        names = " and ".join(each.name for each in networks)
        raise SpecError(
            f"{names} {'take' if len(networks) > 1 else 'takes'} {macs:,} MACs per image.",
            f"A page that computes in the browser takes {MOST_MACS:,} at most.",
            f"Serve {'them' if len(networks) > 1 else 'it'}: striate serve {' '.join(['RUN'] * len(networks))}.",
        )


def _data(name: str, content: str) -> str:
    """A script element that holds data, which browsers do not run."""
    return f'<script type="application/octet-stream" id="{name}">{_inert(content)}</script>\n'


def _json(members: object) -> str:
    """JSON that cannot end a script element, whatever the names of classes and layers contain."""
    return json.dumps(members, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _inert(content: str) -> str:
    if "</script" in content.lower() or "<!--" in content:
        raise SpecError("a module holds the end of a script.", "It must not.")
    return content


def _digest(content: str) -> str:
    """The hash by which a content security policy allows one script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
