#!/usr/bin/env python3
"""Holds the pictures of a page in the README against the page of today, or takes them anew.

usage: pictures.py PAGE FOLDER [renew]
  PAGE    the page of the sample inbox, in English
  FOLDER  the pictures, and `page.txt`: what the page showed when they were taken

Times, and sentences that a language model wrote, differ from run to run and are not compared. Pixels are not either: fonts differ.
"""
import difflib
import hashlib
import pathlib
import sys

from playwright.sync_api import sync_playwright

from click_through import CHROMIUM, arguments, open_page

# Wide enough for the page's columns, and as high as the timeline of the sample inbox.
SIZE = {"width": 1000, "height": 660}
PARTS = ["report", "timeline"]

# The sentences of the report, the tasks of the timeline, and what the page looks like.
SHOWN = """() => {
    const text = element => element.textContent.replace(/\\s+/g, ' ').trim();
    const lines = (selector, line) => [...document.querySelectorAll(selector)].map(line);
    const sentence = element => {
        const copy = element.cloneNode(true);
        copy.querySelectorAll('.cites').forEach(cites => cites.remove());
        return text(copy);
    };
    return {
        report: lines('#report h3, #report p:not(.by-model)', sentence),
        timeline: lines('#timeline .bars .what', text).sort(),
        style: lines('style', element => element.textContent).join(),
    };
}"""


def shown(page):
    found = page.evaluate(SHOWN)
    style = hashlib.sha256(found["style"].encode()).hexdigest()[:16]
    return "\n".join(["report", *found["report"], "", "timeline", *found["timeline"], "", f"style {style}", ""])


def take(browser, address, folder):
    for scheme in ["light", "dark"]:
        page, _ = open_page(browser, address, viewport=SIZE, color_scheme=scheme)
        for part in PARTS:
            page.evaluate("part => document.getElementById(part).scrollIntoView({ block: 'start' })", part)
            page.screenshot(path=folder / f"{part}-{scheme}.png")


def main(path, folder, renew=None):
    address = pathlib.Path(path).resolve(strict=True).as_uri()
    folder = pathlib.Path(folder)
    kept = folder / "page.txt"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments())
        page, _ = open_page(browser, address, viewport=SIZE)
        now = shown(page)
        if renew:
            take(browser, address, folder)
            kept.write_text(now)
        browser.close()
    before = kept.read_text() if kept.exists() else ""
    if now != before:
        changes = difflib.unified_diff(before.splitlines(), now.splitlines(), "the pictures", "the page", lineterm="")
        print("\n".join(changes))
        sys.exit("the pictures in docs/pictures show another page; take them anew: `RENEW_PICTURES=1 tests/page/check.sh PROGRAM`")
    print("the pictures are of this page")


if __name__ == "__main__":
    main(*sys.argv[1:])
