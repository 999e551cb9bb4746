"""The film of a training."""

import re
import shutil

from striate.look.learning import learning
from striate.train import open_run
from striate.train.filters import FILE
from tests.serve.browsing import NEEDS_CHROMIUM


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


def test_a_run_from_before_has_none(finished_run, tmp_path) -> None:
    shutil.copytree(finished_run, tmp_path / "old", ignore=shutil.ignore_patterns(FILE))
    assert learning(open_run(tmp_path / "old")) == []
