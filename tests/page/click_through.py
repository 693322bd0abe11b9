#!/usr/bin/env python3
"""Reads a page of `aimass run --report` in a headless Chromium as a person would, and fails where something is not as it should be.

usage: click_through.py PAGE [SHOTS]
  PAGE   the page; its episode has a recording in which somebody speaks
  SHOTS  a folder for pictures of it: light, dark, narrow, and as a printed document
needs: pip install playwright, and Debian's chromium
"""
import os
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome"]
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
# Nothing on a page that lies beside the browser takes that long.
LIMIT_MS = 20_000
WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


def fits(page):
    """Nothing makes the page wider than its window."""
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"the page is {wide} pixels wide in a window of {window}"


def arguments():
    """What Chromium is started with. It does not run in its sandbox as root; a small /dev/shm, as in containers, is not used."""
    return ["--disable-dev-shm-usage"] + (["--no-sandbox"] if os.geteuid() == 0 else [])


def open_page(browser, address, **options):
    # Without it, each click on a reference waits for the page to come to rest.
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.set_default_timeout(LIMIT_MS)
    troubles = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(("data:", "file:")) else troubles.append(request.url))
    page.goto(address)
    return page, troubles


def click_through(browser, address):
    page, troubles = open_page(browser, address, viewport=WIDE)
    for section in ["report", "timeline", "recordings", "facts"]:
        page.click(f"nav a[href='#{section}']")
        assert page.is_visible(f"#{section} h2"), section
    # The digest comes first; what is said of each input is folded below it.
    folded = page.locator("#report details.inputs article").first
    assert page.locator("#report > article").first.is_visible() and not folded.is_visible()
    for summary in page.locator("#report details > summary").all():
        summary.click()
    assert folded.is_visible(), "what is said of each input does not unfold"
    # Each reference leads to the fact that it names.
    cites = page.locator(".cites a")
    assert cites.count() > 3, "the report has hardly a reference"
    for at in range(cites.count()):
        cite = cites.nth(at)
        target = cite.get_attribute("href")
        cite.click()
        assert page.url.endswith(target), f"{target} was not reached"
        assert page.locator(target).is_visible(), f"{target} cannot be seen"
    # A fact opens and shows itself whole.
    last = page.locator("#facts tbody tr").last
    last.locator("summary").click()
    assert '"revision"' in last.locator("pre").inner_text()
    # Bars stand within the axis, and a task does not begin before the one that asked for it.
    for box in page.locator(".track .run").all():
        bar, track = box.bounding_box(), box.locator("..").bounding_box()
        assert bar["x"] >= track["x"] - 1 and bar["x"] + bar["width"] <= track["x"] + track["width"] + 4, bar
    plays(page)
    fits(page)
    assert not troubles, troubles


def plays(page):
    """A passage plays from where it begins."""
    recording = page.locator(".recording").first
    button = recording.locator("button[data-start]").last
    start = float(button.get_attribute("data-start"))
    button.click()
    page.wait_for_function("start => { const a = document.querySelector('.recording audio'); return !a.paused && a.currentTime > start + 0.1; }", arg=start)
    length, error = recording.locator("audio").evaluate("audio => [audio.duration, audio.error]")
    assert length > start and error is None, (length, error)
    assert "heard" in button.locator("xpath=..").get_attribute("class")


def can_be_read_without_script(browser, address):
    page, _ = open_page(browser, address, viewport=WIDE, java_script_enabled=False)
    for section in ["report", "timeline", "recordings", "facts"]:
        assert len(page.locator(f"#{section}").inner_text()) > 100, section


def pictures(browser, address, shots):
    shots.mkdir(parents=True, exist_ok=True)
    for name, viewport, scheme in [("light", WIDE, "light"), ("dark", WIDE, "dark"), ("narrow", NARROW, "light"), ("narrow-dark", NARROW, "dark")]:
        page, _ = open_page(browser, address, viewport=viewport, color_scheme=scheme)
        page.screenshot(path=shots / f"{name}.png", full_page=True)
    page, _ = open_page(browser, address, viewport=WIDE, color_scheme="dark")
    page.pdf(path=shots / "print.pdf", format="A4", print_background=False)
    page.set_viewport_size({"width": 700, "height": 990})
    page.emulate_media(media="print")
    page.screenshot(path=shots / "print.png", full_page=True)


def main(path, shots=None):
    if CHROMIUM is None:
        sys.exit("Chromium is missing; install it, or name one in the variable CHROMIUM")
    address = pathlib.Path(path).resolve(strict=True).as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments())
        click_through(browser, address)
        page, troubles = open_page(browser, address, viewport=NARROW)
        fits(page)
        assert not troubles, troubles
        can_be_read_without_script(browser, address)
        if shots:
            pictures(browser, address, pathlib.Path(shots))
        browser.close()
    print("the page is as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
