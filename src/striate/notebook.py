"""The page of a run in a notebook, as a widget of anywidget: Jupyter, JupyterLab, marimo, VS Code.

The widget is the page of `striate page`, one file that computes in the browser, in a frame of its own: the frame has no
access to the notebook, and the notebook's style none to the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from striate.description.header import names_run
from striate.description.network import Network
from striate.errors import SpecError, unknown_name
from striate.export.page import alone
from striate.extras import require_extra
from striate.fitted.fitted import Fitted
from striate.language.say import LANGUAGES
from striate.look.predictor import Predictor
from striate.look.untrained import untrained
from striate.networks import entry_of, find
from striate.train.run import Run, open_run

if TYPE_CHECKING:
    from anywidget import AnyWidget

HEIGHTS = range(200, 4001)
"""The heights that the frame may have, in CSS pixels."""
_FRAME = """
export default {
  render({ model, el }) {
    const frame = document.createElement("iframe");
    frame.title = model.get("title");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.style.cssText = "display: block; width: 100%; border: 1px solid #8886; border-radius: 6px;";
    const size = () => { frame.style.height = `${model.get("height")}px`; };
    const show = () => { frame.srcdoc = model.get("page"); };
    model.on("change:height", size);
    model.on("change:page", show);
    size();
    show();
    el.append(frame);
    return () => {
      model.off("change:height", size);
      model.off("change:page", show);
    };
  },
};
"""
"""The widget's JavaScript: a frame that shows the page. It may run the page's scripts, and nothing else."""


def widget(*runs: str | Path | Run | Fitted | Network, height: int = 860, language: str = "") -> AnyWidget:
    """What `striate.widget` gives: the page of one or several runs as a widget."""
    note = "; `striate page` writes the same page as a file without it"
    require_extra("notebook", "a widget needs", note=note)
    if not runs:
        raise SpecError("no run is given.", "A widget shows one run or several.", 'Name one: striate.widget("lenet5").')
    if height not in HEIGHTS:
        raise SpecError(f"height is {height}.", f"It is from {HEIGHTS[0]} to {HEIGHTS[-1]:,} pixels.")
    if language and language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    predictors = [predictor_of(each) for each in runs]
    names = ", ".join(dict.fromkeys(each.run.network.name for each in predictors))
    page = alone(*predictors, language=language)
    return _made(page, title=names, height=height)


def predictor_of(run: str | Path | Run | Fitted | Network) -> Predictor:
    """The predictor of a run, of the folder of one, or of what `striate.fit` gave; of a network with random weights.

    A text is the folder of a run, or else a network: one with a run in `runs` stands for it.
    """
    match run:
        case Fitted():
            return Predictor(run.run, images=1)
        case Run():
            return Predictor(run, images=1)
        case Network():
            return untrained(run)
        case Path():
            return Predictor(open_run(run), images=1)
        case _:
            if _names_a_run(run):
                return Predictor(open_run(Path(run)), images=1)
            network = find(run)
            trained = Path("runs", network.name)
            if (trained / "run.json").is_file():
                kept = open_run(trained)
                if entry_of(network) is not None or kept.network == network:
                    return Predictor(kept, images=1)
            return untrained(network)


def _names_a_run(text: str) -> bool:
    """Whether a text is the place of a run; otherwise it is a network's name, notation or file."""
    return names_run(text) or ("/" in text and ":" not in text and not text.endswith((".net", ".json")))


def _made(page: str, *, title: str, height: int) -> AnyWidget:
    from anywidget import AnyWidget
    from traitlets import Int, Unicode

    class RunWidget(AnyWidget):
        """The page in a frame. `height` may be changed; `page` is its HTML."""

        _esm = _FRAME
        page = Unicode().tag(sync=True)
        title = Unicode().tag(sync=True)
        height = Int(860, min=HEIGHTS[0], max=HEIGHTS[-1]).tag(sync=True)

    return RunWidget(page=page, title=title, height=height)
