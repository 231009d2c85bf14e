"""A headless Chromium for the pictures of the documents and the test of the real page."""

import io
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 180
COLOURS = 256
"""Of a picture: a page has few, and with so many it is a third of the size."""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def missing() -> list[str]:
    """The programs that are needed and not on PATH."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


def browser(width: int, height: int) -> webdriver.Chrome:
    """A headless Chromium of that size."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--window-size={width},{height}"):
        options.add_argument(flag)
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def wait(driver: webdriver.Chrome, selector: str) -> Any:
    """The first element that a CSS selector finds, once it is there."""
    patient = WebDriverWait(driver, PATIENCE_S)
    return patient.until(lambda d: d.find_element(By.CSS_SELECTOR, selector))


def enter(driver: webdriver.Chrome, email: str, password: str) -> None:
    """Fill in the form of Label Studio's login or sign-up page that is shown.

    A page that is still at work may move the focus, and what is typed lands in another field. So
    each field is read back, and filled in anew until it says what was typed.
    """
    wait(driver, "input[name=email]")
    patient = WebDriverWait(driver, PATIENCE_S)
    patient.until(lambda d: d.execute_script("return document.readyState") == "complete")
    patient.until(lambda d: _typed(d, {"email": email, "password": password}))


def _typed(driver: webdriver.Chrome, texts: dict[str, str]) -> bool:
    fields = {name: driver.find_element(By.CSS_SELECTOR, f"input[name={name}]") for name in texts}
    for name, text in texts.items():
        if fields[name].get_attribute("value") != text:
            fields[name].clear()
            fields[name].send_keys(text)
    return all(fields[name].get_attribute("value") == text for name, text in texts.items())


def send(driver: webdriver.Chrome) -> None:
    """Send that form and wait until its page is left.

    Raises:
        AssertionError: with the text of the page, if it is not left
    """
    form = driver.current_url  # what is refused comes back under the same path
    driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    try:
        WebDriverWait(driver, PATIENCE_S).until(
            lambda d: urlsplit(d.current_url).path != urlsplit(form).path
        )
    except TimeoutException:
        text = driver.find_element(By.TAG_NAME, "body").text
        raise AssertionError(f"sent the form of {form} and stayed there; it says: {text}") from None


def save(driver: webdriver.Chrome, path: Path, settle_s: float = 4.0) -> None:
    """Write the picture of the page, once it has settled, as a small PNG."""
    time.sleep(settle_s)
    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as shot:
        shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
