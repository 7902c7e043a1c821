"""Opens a report in Chromium, as its reader does: charts drawn, no error, nothing asked of anybody; and once more with
scripts switched off, when the tables must still say everything. Likewise the page of a profile.

The environment names SAMPLE_REPORT, a program that writes a report to stdout; ctest sets it.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

DRAWN_WITHIN_S = 20
OWN_PAGES = ("chrome:", "chrome-untrusted:")  # the browser's first tab, in which a page from a file has no part


def browser(profile: pathlib.Path, *more: str) -> webdriver.Chrome:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise AssertionError("install the packages chromium and chromium-driver")
    options = Options()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--window-size=1200,1600", *more):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


class Page(unittest.TestCase):
    PROGRAM = (os.environ["SAMPLE_REPORT"],)

    def setUp(self) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.page = self.directory / "report.html"
        with self.page.open("wb") as out:
            subprocess.run(self.PROGRAM, stdout=out, check=True, timeout=30)

    def open(self, *flags: str) -> webdriver.Chrome:
        opened = browser(self.directory / "profile", *flags)
        self.addCleanup(opened.quit)
        opened.get(self.page.as_uri())
        return opened

    def assert_quiet(self, chrome: webdriver.Chrome) -> None:
        self.assertEqual([entry for entry in chrome.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")], [])
        asked = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
        urls = {message["params"]["request"]["url"] for message in asked
                if message["method"] == "Network.requestWillBeSent"}
        self.assertEqual({url for url in urls if not url.startswith(("file:", "data:", *OWN_PAGES))}, set())
        self.assertEqual([url for url in urls if url.startswith("file:")], [self.page.as_uri()])


class Report(Page):
    def test_charts_are_drawn_without_an_error_or_a_request(self) -> None:
        chrome = self.open()
        WebDriverWait(chrome, DRAWN_WITHIN_S).until(
            lambda page: page.execute_script("return document.documentElement.dataset.charts") == "drawn")
        # One timeline a candidate that was measured, one quantile chart a phase.
        self.assertEqual(len(chrome.find_elements(By.CSS_SELECTOR, "[data-timeline] canvas")), 2)
        self.assertEqual(len(chrome.find_elements(By.CSS_SELECTOR, "[data-quantiles] canvas")), 4)
        for canvas in chrome.find_elements(By.TAG_NAME, "canvas"):
            inked = chrome.execute_script(
                "const c = arguments[0]; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                "let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i] > 0) n++; return n;", canvas)
            self.assertGreater(inked, 1000, "an empty chart")
        self.assertIn("No run was complete", chrome.find_element(By.CSS_SELECTOR, "[data-timeline=go]").text)
        self.assertEqual(chrome.find_elements(By.TAG_NAME, "img"), [], "a title became markup")
        self.assert_quiet(chrome)
        if "REPORT_SCREENSHOT" in os.environ:
            chrome.save_screenshot(os.environ["REPORT_SCREENSHOT"])

    def test_a_click_on_a_spike_tells_what_the_loop_was_doing(self) -> None:
        chrome = self.open()
        WebDriverWait(chrome, DRAWN_WITHIN_S).until(
            lambda page: page.execute_script("return document.documentElement.dataset.charts") == "drawn")
        place = next(each for each in chrome.find_elements(By.CSS_SELECTOR, "[data-timeline]")
                     if each.find_elements(By.TAG_NAME, "canvas"))
        click = ("const over = arguments[0].querySelector('.u-over'), box = over.getBoundingClientRect();"
                 "over.dispatchEvent(new MouseEvent('click', {bubbles: true,"
                 "clientX: box.left + box.width * arguments[1], clientY: box.top + 5}));")
        told = place.find_element(By.CSS_SELECTOR, ".told")
        self.assertIn("Click on a spike", told.text)
        # The axis ends at 30 s; the stall begins at 4, the fault at 15.
        chrome.execute_script(click, place, 4.2 / 30)
        self.assertIn("4.0 s, stall: poll", told.text)
        chrome.execute_script(click, place, 9.0 / 30)
        self.assertIn("no stall of the loop was seen", told.text)
        chrome.execute_script(click, place, 18.0 / 30)
        self.assertIn("15.0 s, fault: database", told.text)

    def test_a_day_of_seconds_is_drawn(self) -> None:
        head, rest = self.page.read_text().split('id="report-data">', 1)
        text, tail = rest.split("</script>", 1)
        data = json.loads(text)
        for candidate in data["candidates"]:
            for trial in candidate["trials"]:
                trial["seconds"] = [dict(trial["seconds"][0], at=at) for at in range(86_400)]
        data["phases"][-1]["length"] = 86_400
        text = json.dumps(data).replace("<", "\\u003c")
        self.page.write_text(head + 'id="report-data">' + text + "</script>" + tail)
        chrome = self.open()
        WebDriverWait(chrome, DRAWN_WITHIN_S).until(
            lambda page: page.execute_script("return document.documentElement.dataset.charts") == "drawn")

    def test_on_paper_no_row_or_chart_is_cut(self) -> None:
        chrome = self.open()
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        for what in ("tr", ".chart"):
            self.assertEqual(chrome.execute_script(
                f"return getComputedStyle(document.querySelector('{what}')).breakInside"), "avoid")
        self.assertEqual(chrome.execute_script(
            "return getComputedStyle(document.querySelector('table')).whiteSpace"), "normal")

    def test_without_a_script_the_tables_say_everything(self) -> None:
        chrome = self.open("--blink-settings=scriptEnabled=false")
        text = chrome.find_element(By.TAG_NAME, "body").text
        for said in ("freezes", "app.py:87 in price", "third-party", "better", "0.2", "[0.15, 0.27]", "database-spike",
                     "blocking call", "Use an asynchronous client", "Decision record", "Fairness card",
                     "sample </script> & <b>"):
            self.assertIn(said, text)
        self.assertEqual(chrome.find_elements(By.TAG_NAME, "canvas"), [])


class Portrait(Page):
    """The page of a profile, which needs no script."""

    PROGRAM = (os.environ["SAMPLE_REPORT"], "profile")

    def test_bars_are_drawn_nothing_is_asked_for_and_no_name_is_markup(self) -> None:
        chrome = self.open()
        bars = chrome.execute_script(
            "return [...document.querySelectorAll('svg')].map(chart => [...chart.querySelectorAll('rect')]"
            ".map(bar => bar.getBoundingClientRect().height))")
        self.assertEqual([len(chart) for chart in bars], [24, 60])
        self.assertEqual(max(range(24), key=bars[0].__getitem__), 12, "the busiest hour is noon")
        self.assertGreater(bars[1][30], 5 * max(bars[1][:30]))
        self.assertEqual(chrome.find_elements(By.CSS_SELECTOR, "img, script, i, b"), [], "a name became markup")
        text = chrome.find_element(By.TAG_NAME, "body").text
        for said in ("GET /items/{id}", "70.00 %", "by their form", "a </script> & <b>.log", "<i>markup</i>", "busiest",
                     "Sessions", "503", "the longest 20"):
            self.assertIn(said, text)
        width = chrome.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        self.assertLessEqual(width, 0, "the page is wider than its window")
        self.assert_quiet(chrome)
        if "PROFILE_SCREENSHOT" in os.environ:
            chrome.save_screenshot(os.environ["PROFILE_SCREENSHOT"])


if __name__ == "__main__":
    unittest.main()
