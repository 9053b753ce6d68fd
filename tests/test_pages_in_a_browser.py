"""Player and gallery as their readers have them: in a browser, with pointer, keys, finger and screen reader.

Times are waited for, never measured, so that a slow machine is only slow.
"""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from torchreel.publish.clips import film_of, grouped
from torchreel.publish.gallery import site
from torchreel.publish.player import write
from torchreel.render import batch, plan, progress
from torchreel.tests.browser import browser, faults

pytestmark = pytest.mark.xdist_group("browser")
LOOKS = [("MaxPool2d", "zh", "light"), ("MaxPool2d", "en", "dark"), ("Softmax", "en", "light")]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CURRENT = "#steps [aria-current]"
STILL = "document.querySelector('#video').paused && !document.querySelector('#video').seeking"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small films of two clips, with a page for both, a page in one file, and a gallery."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHREEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = tmp_path_factory.mktemp("pages")
        jobs = [
            job
            for name, lang, theme in LOOKS
            for job in plan.jobs([name], formats=["mp4,png"], folder=made / "media", langs=[lang], themes=[theme], quality="l")
        ]
        results = batch.run(jobs, progress.Silent(), at_once=1)
    assert not [result.failure for result in results if result.failure]
    clips = grouped(film_of(job.path("mp4")) for job in jobs)
    write.write(made / "both.html", clips, one_file=False)
    write.write(made / "alone" / "one.html", clips[:1], one_file=True)
    site.write(made / "media", made / "site")
    return made


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as started:
        yield started


class Reader:
    """Somebody with a page open; keeps what the page asked for and what went wrong in it."""

    def __init__(self, started: Any, **options: Any) -> None:
        self.page = started.new_context(**options).new_page()
        self.page.set_default_timeout(90_000)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda one: self.requests.append(one.url))
        self.page.on("pageerror", lambda one: self.errors.append(str(one)))
        self.page.on("console", lambda one: one.type == "error" and self.errors.append(one.text))

    def opens(self, path: Path | str, state: str = "") -> Any:
        """Open a page, and wait until its film can be shown where it has one."""
        url = path if isinstance(path, str) else path.as_uri()
        self.page.goto(f"{url}{state}")
        self.page.wait_for_function("[...document.querySelectorAll('#video')].every((one) => one.readyState > 1)")
        return self.page

    def ends(self) -> int:
        """Wait until the film stands; the number of the step that it stands in."""
        self.page.wait_for_function(STILL)
        return self.step()

    def step(self) -> int:
        """The number of the step that the list marks."""
        return int(self.page.locator(f"{CURRENT} span").inner_text())

    def time(self) -> float:
        """Where the film is, in seconds."""
        return float(self.page.evaluate("document.querySelector('#video').currentTime"))

    def lit(self, kind: str) -> set[str]:
        """The numbers that are marked, by what they say of themselves."""
        marked = self.page.locator(f".number.{kind}:visible")
        return {one.get_attribute("aria-label") for one in marked.all()}


@pytest.fixture
def reader(running: Any) -> Iterator[Reader]:
    one = Reader(running)
    yield one
    assert one.errors == []
    one.page.context.close()


@pytest.fixture
def careful(running: Any) -> Iterator[Reader]:
    """A reader who asked their system for less motion."""
    one = Reader(running, reduced_motion="reduce")
    yield one
    one.page.context.close()


def ledger(folder: Path, stem: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "media" / f"{stem}.json").read_bytes())
    return found


def captions(folder: Path, stem: str, lang: str) -> list[str]:
    said = [step["caption"][lang] for step in ledger(folder, stem)["steps"]]
    return [one for number, one in enumerate(said) if number == 0 or said[number - 1] != one]


def test_the_page_begins_to_play_and_space_halts_it(reader: Reader, folder: Path) -> None:
    page = reader.opens(folder / "both.html")
    page.wait_for_function("document.querySelector('#video').currentTime > 0.2")
    page.keyboard.press("Space")
    reader.ends()
    assert page.locator("#play").get_attribute("aria-label") == "播放"


def test_arrows_go_step_by_step_and_stop_where_the_next_begins(reader: Reader, folder: Path) -> None:
    page = reader.opens(folder / "both.html", "#step=1")
    said = captions(folder, "MaxPool2d.zh.light", "zh")
    assert [text.split("\n")[-1] for text in page.locator("#steps button").all_inner_texts()] == said
    page.keyboard.press("ArrowRight")
    assert reader.ends() == 2
    stands = reader.time()
    page.keyboard.press("ArrowRight")
    assert reader.ends() == 3
    start = next(
        step["start"] for step in ledger(folder, "MaxPool2d.zh.light")["steps"] if step["caption"]["zh"] == said[2]
    )
    assert start - 0.5 < stands < start
    page.keyboard.press("ArrowLeft")
    assert reader.ends() == 2
    page.keyboard.press("Home")
    assert reader.ends() == 1


def test_a_click_in_the_list_and_the_buttons_go_to_a_step(reader: Reader, folder: Path) -> None:
    page = reader.opens(folder / "both.html", "#step=1")
    page.locator("#steps button").nth(1).click()
    assert reader.ends() == 2
    page.get_by_role("button", name="上一步").click()
    assert reader.ends() == 1
    page.get_by_role("button", name="下一步").click()
    assert reader.ends() == 2


def test_scrubbing_shows_that_time_and_says_its_step(reader: Reader, folder: Path) -> None:
    page = reader.opens(folder / "both.html", "#step=1")
    last = len(captions(folder, "MaxPool2d.zh.light", "zh"))
    page.locator("#scrub").fill(str(ledger(folder, "MaxPool2d.zh.light")["duration"] - 0.5))
    page.wait_for_function(f"document.querySelector('{CURRENT} span').textContent == {last}")
    assert f"第 {last} 步" in page.locator("#scrub").get_attribute("aria-valuetext")


def test_pointing_at_a_result_shows_its_value_and_lights_what_torch_read_for_it(careful: Reader, folder: Path) -> None:
    """The window of `MaxPool2d` at the last output cell, from the ledger's tensors alone."""
    page = careful.opens(folder / "both.html")
    page.keyboard.press("End")
    careful.ends()
    known = ledger(folder, "MaxPool2d.zh.light")
    values = known["tensors"]["input"]["values"][0][0]
    [row, column] = known["steps"][-1]["focus"]["index"][2:]
    result = known["tensors"]["output"]["values"][0][0][row][column]
    name = f"output[0, 0, {row}, {column}] = {result:g}"
    page.locator(f".number[aria-label='{name}']:visible").first.hover()
    assert page.locator("#tip b").inner_text() == name
    window = {
        f"input[0, 0, {y}, {x}] = {values[y][x]:g}" for y in (2 * row, 2 * row + 1) for x in (2 * column, 2 * column + 1)
    }
    assert (careful.lit("same"), careful.lit("source")) == ({name}, window)
    assert page.locator(".number.same:visible").count() > 1
    page.mouse.move(1, 1)
    page.wait_for_selector("#tip", state="hidden")
    assert careful.lit("source") == set()


def test_numbers_are_reached_by_keyboard_and_a_click_keeps_them(careful: Reader, folder: Path) -> None:
    page = careful.opens(folder / "both.html")
    page.keyboard.press("End")
    careful.ends()
    page.locator(".number[tabindex='0']:visible").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#tip b").inner_text()
    page.keyboard.press("ArrowDown")
    assert page.locator("#tip b").inner_text() != first
    assert page.locator(".number[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    page.mouse.move(1, 1)
    assert page.locator(".number[aria-pressed='true']").count() == 1
    page.keyboard.press("Escape")
    assert (page.locator("#tip").is_visible(), careful.lit("same")) == (False, set())


def test_no_number_answers_before_it_is_drawn(careful: Reader, folder: Path) -> None:
    page = careful.opens(folder / "both.html", "#step=1")
    known = ledger(folder, "MaxPool2d.zh.light")
    drawn = {(one["tensor"], *one["index"]) for one in known["steps"][0]["numbers"]}
    page.wait_for_selector(".number", state="attached")
    assert page.locator(".number:visible").count() == 0
    page.locator("#scrub").fill(str(known["steps"][0]["end"] - 0.1))
    page.wait_for_function("document.querySelectorAll('.number:not([hidden])').length > 0")
    assert page.locator(".number:visible").count() <= len(known["steps"][0]["numbers"])
    assert page.locator(".number[aria-label^='output']:visible").count() == sum(one[0] == "output" for one in drawn)


def test_language_and_theme_change_words_film_and_colours(careful: Reader, folder: Path) -> None:
    page = careful.opens(folder / "both.html", "#step=2")
    assert "zh.light" in page.locator("#video").get_attribute("src")
    page.locator("#lang").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("#heading").inner_text() == "Max pooling"
    assert captions(folder, "MaxPool2d.en.dark", "en")[1] in page.locator(CURRENT).inner_text()
    assert "en.dark" in page.locator("#video").get_attribute("src")
    page.get_by_role("button", name="Softmax").click()
    page.wait_for_function("document.querySelector('#video').src.includes('Softmax')")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_with_less_motion_nothing_starts_and_steps_are_their_ends(careful: Reader, folder: Path) -> None:
    page = careful.opens(folder / "both.html")
    assert page.evaluate(STILL)
    page.keyboard.press("ArrowRight")
    careful.ends()
    [end] = {
        max(step["end"] for step in steps)
        for steps in [ledger(folder, "MaxPool2d.zh.light")["steps"]]
        for steps in [[one for one in steps if one["caption"]["zh"] == captions(folder, "MaxPool2d.zh.light", "zh")[1]]]
    }
    assert end - 0.2 < careful.time() < end


def test_a_page_asks_for_nothing_but_its_own_files(reader: Reader, folder: Path) -> None:
    reader.opens(folder / "both.html")
    reader.opens(folder / "site" / "index.html")
    assert {url.split(":")[0] for url in reader.requests} <= {"file", "blob", "data"}


def test_one_file_is_all_there_is(reader: Reader, folder: Path) -> None:
    assert [path.name for path in (folder / "alone").iterdir()] == ["one.html"]
    page = reader.opens(folder / "alone" / "one.html", "#step=2")
    assert {url.split(":")[0] for url in reader.requests if not url.endswith("one.html")} <= {"blob", "data"}
    page.keyboard.press("End")
    assert reader.ends() == len(captions(folder, "MaxPool2d.zh.light", "zh"))


def test_steps_work_from_a_server_that_cannot_send_parts_of_a_file(careful: Reader, folder: Path) -> None:
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = careful.opens(f"http://127.0.0.1:{server.server_port}/both.html")
        page.keyboard.press("End")
        assert careful.ends() == len(captions(folder, "MaxPool2d.zh.light", "zh"))
        assert careful.time() > ledger(folder, "MaxPool2d.zh.light")["duration"] - 0.5
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
@pytest.mark.parametrize("name", ["both.html", "site/index.html", "site/clips/MaxPool2d.html"])
def test_a_page_shuts_nobody_out_and_fits(running: Any, folder: Path, name: str, options: dict[str, Any]) -> None:
    one = Reader(running, reduced_motion="reduce", **options)
    page = one.opens(folder / name)
    if "index" not in name:
        page.keyboard.press("End")
        one.ends()
        page.locator(".number:visible").last.click()
        page.locator("summary").click()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


def test_a_finger_shows_a_number_as_a_pointer_does(running: Any, folder: Path) -> None:
    one = Reader(running, reduced_motion="reduce", **PHONE)
    page = one.opens(folder / "both.html")
    page.keyboard.press("End")
    one.ends()
    page.locator(".number[aria-label^='output']:visible").first.tap()
    assert re.fullmatch(r"output\[.*\] = .*", page.locator("#tip b").inner_text())
    assert one.lit("source")
    page.context.close()


@pytest.mark.parametrize(
    ("query", "found"), [("max pool", 1), ("池化", 1), ("softmax", 1), ("nothing of the kind", 0), ("", 2)]
)
def test_the_gallery_finds_clips_in_both_languages(reader: Reader, folder: Path, query: str, found: int) -> None:
    page = reader.opens(folder / "site" / "index.html", "#lang=en")
    page.locator("#search").fill(query)
    assert page.locator(".card:visible").count() == found
    assert page.locator("#found").inner_text() == f"Clips: {found}"
    assert page.locator("#none").is_visible() == (found == 0)
    page.reload()
    assert page.locator(".card:visible").count() == found


def test_the_gallery_groups_by_family_and_by_the_handbooks_rows(reader: Reader, folder: Path) -> None:
    page = reader.opens(folder / "site" / "index.html", "#lang=en")
    assert page.locator("h2").all_inner_texts() == ["Pooling", "Activation"]
    page.locator("#group").select_option("row")
    assert [re.match(r"\d+ ", text) is not None for text in page.locator("h2").all_inner_texts()] == [True, True]
    page.locator("#family").select_option("activation")
    assert page.locator(".card:visible b").all_inner_texts() == ["Softmax"]
    page.locator("#lang").click()
    assert page.locator(".card:visible .title").inner_text() == ledger(folder, "Softmax.en.light")["title"]["zh"]


def test_a_card_plays_when_pointed_at_and_leads_to_its_player_and_back(reader: Reader, folder: Path) -> None:
    page = reader.opens(folder / "site" / "index.html", "#lang=en&theme=dark")
    page.locator(".card a").last.focus()
    page.wait_for_function("document.querySelector('.card:last-child video').currentTime > 0")
    page.locator(".card").first.hover()
    page.wait_for_function("document.querySelector('.card video').currentTime > 0")
    page.locator(".card a").first.click()
    page.wait_for_selector("#numbers")
    assert "en.dark" in page.locator("#video").get_attribute("src")
    page.locator("#back").click()
    page.wait_for_selector("#search")


def test_with_less_motion_no_card_plays(careful: Reader, folder: Path) -> None:
    page = careful.opens(folder / "site" / "index.html")
    page.locator(".card").first.hover()
    assert page.locator(".card video").count() == 0
