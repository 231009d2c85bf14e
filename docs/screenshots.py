"""Takes the pictures of the README from a running demo: `python docs/screenshots.py demo`.

Needs Chromium with its driver, and `pip install selenium`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

HERE = Path(__file__).parent
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def browser(width: int, height: int) -> webdriver.Chrome:
    """A headless Chromium of that size."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--window-size={width},{height}"):
        options.add_argument(flag)
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    return webdriver.Chrome(options, service)


def wait(driver: webdriver.Chrome, selector: str) -> Any:
    """The first element that a CSS selector finds, once it is there."""
    return WebDriverWait(driver, 60).until(lambda d: d.find_element(By.CSS_SELECTOR, selector))


def save(driver: webdriver.Chrome, name: str, settle_s: float = 4.0) -> None:
    """Write the picture once the page has settled."""
    time.sleep(settle_s)
    driver.save_screenshot(str(HERE / "images" / f"{name}.png"))
    print(f"docs/images/{name}.png", driver.current_url)


def label_studio(driver: webdriver.Chrome, record: Any, project: int) -> None:
    """The annotator's screen: an open task with its hot keys; and the project's list of tasks."""
    address = record["services"]["label_studio"]["address"]
    driver.get(f"{address}/user/login")
    wait(driver, "input[name=email]").send_keys(record["login"])
    driver.find_element(By.CSS_SELECTOR, "input[name=password]").send_keys(record["password"])
    driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    time.sleep(5)
    driver.get(f"{address}/projects/{project}/data?labeling=1")
    wait(driver, "img")
    time.sleep(6)
    ActionChains(driver).send_keys(Keys.ESCAPE).perform()  # the instruction, read
    save(driver, "label-studio", 8)
    driver.get(f"{address}/projects/{project}/data")
    save(driver, "label-studio-tasks", 8)


def mlflow(driver: webdriver.Chrome, record: Any) -> None:
    """The learning curve on the strategy's run."""
    from mlflow import MlflowClient

    address = record["services"]["mlflow"]["address"]
    client = MlflowClient(address)
    experiment = next(e for e in client.search_experiments() if "labelcycle.campaign" in e.tags)
    number = experiment.experiment_id
    run = client.search_runs([number], "tags.`labelcycle.strategy` != ''")[0].info.run_id
    driver.get(f"{address}/#/experiments/{number}/runs/{run}/model-metrics")
    time.sleep(8)
    for close in driver.find_elements(By.CSS_SELECTOR, "button[aria-label*=lose]"):
        close.click()  # the assistant's panel
    save(driver, "mlflow", 6)


def prefect(driver: webdriver.Chrome, record: Any) -> None:
    """The flow runs of the campaign."""
    driver.set_window_size(1360, 1250)
    driver.get(f"{record['services']['prefect']['address']}/runs")
    save(driver, "prefect", 12)


def main(campaign: Path) -> None:
    """Take all pictures."""
    record = json.loads((campaign / ".labelcycle" / "services.json").read_text())
    pushed = json.loads((campaign / "rounds" / "000" / "pushed.json").read_text())
    (HERE / "images").mkdir(exist_ok=True)
    driver = browser(1360, 850)
    try:
        label_studio(driver, record, pushed["project"])
        mlflow(driver, record)
        prefect(driver, record)
    finally:
        driver.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
