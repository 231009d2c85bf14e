"""Takes the pictures of the README from a running demo: `python tools/screenshots.py demo`.

Needs Chromium with its driver. The pictures of annotators.md come from tests/cycle/test_browser.py.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import chromium
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


def save(driver: Chrome, name: str, settle_s: float = 4.0) -> None:
    """Write the picture once the page has settled."""
    chromium.save(driver, IMAGES / f"{name}.png", settle_s)
    print(f"docs/images/{name}.png", driver.current_url)


def label_studio(driver: Chrome, record: Any, project: int) -> None:
    """The project's list of tasks. An open task is a picture of the annotators' guide."""
    address = record["services"]["label_studio"]["address"]
    driver.get(f"{address}/user/login")
    chromium.enter(driver, record["login"], record["password"])
    chromium.send(driver)
    driver.get(f"{address}/projects/{project}/data")
    save(driver, "label-studio-tasks", 8)


def mlflow(driver: Chrome, campaign: Path) -> None:
    """The learning curve, on the page that every link leads to."""
    driver.get(json.loads((campaign / ".labelcycle" / "curves.json").read_text())["address"])
    time.sleep(8)
    for close in driver.find_elements(By.CSS_SELECTOR, "button[aria-label*=lose]"):
        close.click()  # the assistant's panel
    save(driver, "mlflow", 6)


def prefect(driver: Chrome, record: Any) -> None:
    """The flow runs of the campaign."""
    driver.set_window_size(1360, 1250)
    page = f"{record['services']['prefect']['address']}/runs"
    driver.get(page)
    chromium.wait(driver, "input[type=password]").send_keys(record["prefect"])
    chromium.send(driver)
    driver.get(page)
    save(driver, "prefect", 12)


def main(campaign: Path) -> None:
    """Take all pictures."""
    record = json.loads((campaign / ".labelcycle" / "services.json").read_text())
    pushed = json.loads((campaign / "rounds" / "000" / "pushed.json").read_text())
    IMAGES.mkdir(exist_ok=True)
    driver = chromium.browser(1360, 850)
    try:
        label_studio(driver, record, pushed["project"])
        mlflow(driver, campaign)
        prefect(driver, record)
    finally:
        driver.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
