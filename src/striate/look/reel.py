"""The control of the animation: a strip of epochs to choose or to point at, in HTML and CSS without a script.

It comes directly before the animation's SVG, whose `.film` holds a group for each frame. The epoch that is pointed at
is shown, or else the chosen one; otherwise the animation plays. The strip is a group of radio buttons, so arrow keys
move from epoch to epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from striate.language.say import say

MOST_NUMBERS = 16
"""The most epochs whose number is written."""
ACCENT = "#d97706"
_STYLE = (
    ".reel{display:flex;position:sticky;left:0;width:960px;max-width:100%;margin:0;"
    "padding:4px 4px 10px 0;border:0;font-size:12px}"
    ".reel label{position:relative;flex:1;min-width:0;padding:0 0 3px;text-align:center;cursor:pointer;"
    "border-top:5px solid color-mix(in srgb,currentColor 22%,transparent);border-right:1px solid transparent}"
    ".reel .play{flex:none;padding:0 14px 3px 0;border-color:transparent;text-align:left}"
    ".reel input{position:absolute;inset:-5px 0 0;width:100%;height:calc(100% + 5px);margin:0;opacity:0;cursor:pointer}"
    ".reel .still:hover,.reel .still:has(:checked){border-top-color:" + ACCENT + "}"
    ".reel label:has(:checked){font-weight:700}"
    ".reel label:has(:focus-visible){outline:2px solid " + ACCENT + ";outline-offset:2px;border-radius:3px}"
    ".reel:has(.still:hover,.still>:checked)~svg .film>g{animation:none;visibility:hidden}"
    "@media print{.reel{display:none}}"
)


def reel(frames: dict[int, str]) -> str:
    """The strip for some frames: for each epoch, in the order of the animation, the text that is read out."""
    numbered = set(_numbered(list(frames)))
    labels = [
        f'<label class="still" title="{escape(words)}"><input type="radio" name="reel" aria-label="{escape(words)}">'
        f"{epoch if epoch in numbered else '&nbsp;'}</label>"
        for epoch, words in frames.items()
    ]
    play = f'<label class="play"><input type="radio" name="reel" checked>{say("play")}</label>'
    style = _STYLE + "".join(_shown(place) for place in range(1, len(frames) + 1))
    return (
        f'<fieldset class="reel" aria-label="{say("Epoch")}"><style>{style}</style>{play}{"".join(labels)}</fieldset>'
    )


def _numbered(epochs: list[int]) -> Iterator[int]:
    step = -(-len(epochs) // MOST_NUMBERS)
    return (epoch for place, epoch in enumerate(epochs) if place % step == 0 or place == len(epochs) - 1)


def _shown(place: int) -> str:
    """The CSS that shows the frame at a place if its label is pointed at, or if it is chosen and none is pointed at."""
    label, frame = f".still:nth-of-type({place + 1})", f"~svg .film>g:nth-child({place})"
    return (
        f".reel:has({label}:hover){frame},.reel:not(:has(.still:hover)):has({label}>:checked){frame}"
        "{visibility:visible}"
    )
