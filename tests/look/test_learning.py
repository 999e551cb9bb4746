"""The film of a training."""

import re
import shutil

import pytest

from striate.look.learning import learning
from striate.look.page import Wish, look, write_look
from striate.look.reel import reel
from striate.look.subject import subject
from striate.train import open_run
from striate.train.filters import FILE
from tests.support.browsing import NEEDS_CHROMIUM


def test_it_has_a_frame_for_each_epoch_with_the_runs_own_figures(finished_run) -> None:
    run = open_run(finished_run)
    (figure,) = learning(run)
    frames = re.findall(r'<g (style="animation-delay:[\d.]+s"|class="last")>(.*?)</g>', figure.svg)
    assert [way for way, _ in frames] == [
        *(f'style="animation-delay:{each:.2f}s"' for each in (0, 0.7, 1.4)),
        'class="last"',
    ]
    words = [re.sub("<.*?>", "", frame) for _, frame in frames]
    assert words == [
        "epoch 0: fresh weights",
        *(f"epoch {each['epoch']}: {100 * (1 - each['accuracy']):.2f} % errors" for each in run.events("epoch")),
    ]
    pictures = [re.search(r'href="(.*?)"', frame)[1] for _, frame in frames]  # pyright: ignore
    assert len(set(pictures)) == 4


@NEEDS_CHROMIUM
def test_one_frame_stands_at_a_time_and_with_less_motion_the_last(finished_run, browser, tmp_path) -> None:
    (figure,) = learning(open_run(finished_run))
    (tmp_path / "film.svg").write_text(figure.standalone(), encoding="utf-8")
    seen = "all => all.filter((one) => getComputedStyle(one).visibility === 'visible').map((one) => one.textContent)"
    for motion in ("no-preference", "reduce"):
        page = browser.new_page(reduced_motion=motion)
        page.goto((tmp_path / "film.svg").as_uri())
        page.evaluate("document.getAnimations().forEach((each) => each.pause())")
        shown = []
        for time in (100, 800, 1500, 2200, 4100, 4300):
            page.evaluate("time => document.getAnimations().forEach((each) => { each.currentTime = time; })", time)
            (words,) = page.locator(".film > g").evaluate_all(seen)
            shown.append(int(words.split(":")[0].removeprefix("epoch ")))
        assert shown == ([0, 1, 2, 3, 3, 0] if motion == "no-preference" else [3] * 6)
        page.close()


@NEEDS_CHROMIUM
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_an_epoch_is_chosen_or_swept_over_without_a_script(finished_run, browser, tmp_path, width, theme) -> None:
    found = subject(finished_run)
    written = write_look(found, list(look(found, Wish(("learning",)))), folder=tmp_path)
    assert "<script" not in written.read_text(encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
    page.goto(written.as_uri())

    def shown() -> list[str]:
        seen = (
            "all => all.filter((one) => getComputedStyle(one).visibility === 'visible').map((one) => one.textContent)"
        )
        return page.locator(".film > g").evaluate_all(seen)

    words = page.locator(".film > g").evaluate_all("all => all.map((one) => one.textContent)")
    epochs = page.get_by_role("radio", name=re.compile("^epoch"))
    assert epochs.evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))") == words
    assert page.locator(".reel").evaluate("one => one.getBoundingClientRect().right") <= width
    page.locator(".reel .still").nth(2).click()
    page.mouse.move(2, 2)
    assert shown() == [words[2]]
    page.keyboard.press("ArrowRight")
    assert shown() == [words[3]]
    page.locator(".reel .still").nth(1).hover()
    assert shown() == [words[1]]
    page.mouse.move(2, 2)
    assert shown() == [words[3]]
    assert page.evaluate("document.getAnimations().length") == 0
    page.get_by_role("radio", name="play").check()
    assert page.evaluate("document.getAnimations().length") == len(words)
    page.close()


def test_of_many_epochs_some_are_numbered() -> None:
    strip = reel({epoch: f"epoch {epoch}: <1 % errors" for epoch in range(61)})
    texts = re.findall(r">([^<>]*)</label>", strip)
    assert [text for text in texts if text != "&nbsp;"] == ["play", *map(str, range(0, 61, 4))]
    assert strip.count('aria-label="epoch 7: &lt;1 % errors"') == 1


def test_a_run_from_before_has_none(finished_run, tmp_path) -> None:
    shutil.copytree(finished_run, tmp_path / "old", ignore=shutil.ignore_patterns(FILE))
    assert learning(open_run(tmp_path / "old")) == []
