"""The change of every layer's output as charts, and the values that pooling drops as a table."""

from __future__ import annotations

from striate.charts import HEIGHT, WIDTH, Series, line_chart
from striate.language.say import say, say_count
from striate.look.drawing import Drawing, Figure
from striate.look.invariance import SHIFTS, dropped, movements, poolings, shifted
from striate.look.pictures import image_picture
from striate.look.subject import Shown, Subject

COLOURS = {"max": "#d97706", "average": "#2563eb", "none": "#8b8f99", "as it is": "#2563eb"}
IMAGES = 16


def invariance(subject: Subject, image: Shown) -> list[Figure]:
    """The change of each layer's output when the image moves; for networks that pool, also the values dropped."""
    images = subject.some(IMAGES)
    drawing = Drawing(say("The image moves: how far does each layer's output move?"))
    height, width = image.pixels.shape[2:]
    drawn = max(1, 84 // max(height, width)) * width if width <= 84 else 84
    for place, pixels in enumerate(range(0, SHIFTS + 1, 2)):
        left = 1 + place * (drawn + 12)
        drawing.picture(left, 36, image_picture(shifted(image.pixels, pixels)[0]), width=drawn)
        drawing.text(left, 36 + drawn * height / width + 14, say("{count} pixels", count=pixels), "small")
    top = drawing.bottom + 20
    for place, moved in enumerate(movements(subject.model, images)):
        series = [
            Series(say(kind), COLOURS[kind], tuple(100 * value for value in each))
            for kind, each in moved.distances.items()
        ]
        chart = line_chart(moved.path, series, x=say("pixels to the right"), unit=" %", start=0)
        drawing.nest(place % 2 * 486, top + place // 2 * (HEIGHT + 14), WIDTH, HEIGHT, chart)
    caption = say(
        "The distance between the outputs for the moved image and for the image, in per cent of the output's size; "
        "the mean over {images}.",
        images=say_count(len(images), "image"),
    )
    if poolings(subject.network):
        caption += " " + say(
            "The same weights with maximum, average and no pooling: none takes the first value of each window, so "
            "that all sizes stay. They were learned with the network's own pooling."
        )
    found = [Figure("invariance", drawing.title, caption, drawing.svg())]
    return [*found, _dropped(subject)] if poolings(subject.network) else found


def _dropped(subject: Subject) -> Figure:
    drawing = Drawing(say("What pooling drops"))
    columns = (0, 300, 420, 520, 760)
    heads = (say("layer"), say("values in"), say("values out"), say("dropped"), "")
    rows = dropped(subject.model, subject.some(IMAGES))
    for x, head in zip(columns, heads, strict=True):
        drawing.text(x, 46, head, "soft", anchor="start" if x in (0, 520) else "end")
    for place, row in enumerate(rows):
        y = 70 + 26 * place
        drawing.text(0, y, row.path, "head")
        drawing.text(300, y, f"{row.values_in:,}", "label", anchor="end")
        drawing.text(420, y, f"{row.values_out:,}", "label", anchor="end")
        drawing.box(520, y - 11, 160, 14, 'fill="currentColor" fill-opacity="0.12"')
        drawing.box(520, y - 11, 160 * row.share, 14, 'fill="#d97706"')
        drawing.text(690, y, f"{row.share:.1%}", "label")
        if row.chosen is not None:
            told = say("{share} are a window's largest", share=f"{row.chosen:.1%}")
            drawing.text(750, y, told, "soft")
    caption = say(
        "The share of the values that end here. Windows of 2×2 that stand 2 apart leave one value of four, and not the "
        "place where it was: 75 % are dropped."
    )
    return Figure("dropped", drawing.title, caption, drawing.svg())
