import fnmatch
import ipaddress
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from flows.receiving import place

ROOT = Path(__file__).resolve().parents[1]
SECRETS = (
    "POSTGRES_PASSWORD",
    "LABEL_STUDIO_DB_PASSWORD",
    "MLFLOW_DB_PASSWORD",
    "PREFECT_DB_PASSWORD",
    "LABEL_STUDIO_PASSWORD",
    "LABEL_STUDIO_TOKEN",
    "LABEL_STUDIO_SECRET_KEY",
    "PREFECT_AUTH",
)
WEBHOOK = "http://worker.labelcycle.internal:8090/"
NEEDED = (*SECRETS, "LABEL_STUDIO_USERNAME", "CAMPAIGN")


def configured(tmp_path: Path, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What `docker-compose config` says to a filled-in copy of .env.example."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [line.split("=")[0] for line in lines]
    filled = [
        f"{name}={given[name]}" if name in given else line
        for name, line in zip(names, lines, strict=True)
    ]
    (tmp_path / "env").write_text("\n".join(filled), encoding="utf-8")
    return subprocess.run(
        ["docker-compose", "--env-file", str(tmp_path / "env"), "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    given = {name: f"secret-{name.lower()}" for name in NEEDED} | {"CAMPAIGN": "/srv/campaign"}
    run = configured(tmp_path_factory.mktemp("compose"), given)
    assert run.returncode == 0, run.stderr
    found = yaml.safe_load(run.stdout)["services"]
    assert isinstance(found, dict)
    return found


def environment(services: dict[str, Any], name: str) -> dict[str, str]:
    return {k: str(v) for k, v in services[name]["environment"].items()}


def test_all_services_are_there(services: dict[str, Any]) -> None:
    assert sorted(services) == ["label-studio", "mlflow", "postgres", "prefect", "worker"]
    assert services["label-studio"]["image"] == "heartexlabs/label-studio:1.23.2"


def test_without_a_secret_nothing_starts_and_its_name_is_said(tmp_path: Path) -> None:
    run = configured(tmp_path, {name: "x" for name in NEEDED if name != "PREFECT_AUTH"})
    assert run.returncode != 0
    assert "PREFECT_AUTH is empty, write it into .env" in run.stderr


def test_nothing_that_is_needed_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name in NEEDED:
        uses = re.findall(rf"\$\{{{name}\b([^}}]*)\}}", text)
        assert uses, name
        assert all(use.startswith(f":?{name} is empty, write ") for use in uses), name


def test_no_secret_stands_in_a_file() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for name in NEEDED:
        assert f"{name}=" in example
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for key, value in re.findall(
        r"^\s+(\w*(?:PASSWORD|SECRET|TOKEN|AUTH)\w*):\s*(.+)$", text, re.M
    ):
        assert "${" in value or key == "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN", key
    assert "/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_no_secret_goes_by_a_command_line(services: dict[str, Any]) -> None:
    for service in services.values():
        assert "secret-" not in str(service.get("command"))
        assert "secret-" not in str(service.get("healthcheck"))


def test_each_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    healthy = {"condition": "service_healthy"}
    for name in ("label-studio", "mlflow", "prefect"):
        assert services[name]["depends_on"] == {"postgres": healthy}
    wanted = dict.fromkeys(("label-studio", "mlflow", "prefect"), healthy)
    assert services["worker"]["depends_on"] == wanted


def seconds(text: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)([hms])", text))


def test_first_starts_have_time_for_their_migrations(services: dict[str, Any]) -> None:
    assert seconds(services["label-studio"]["healthcheck"]["start_period"]) >= 180
    assert seconds(services["prefect"]["healthcheck"]["start_period"]) >= 120
    assert seconds(services["mlflow"]["healthcheck"]["start_period"]) >= 60


def test_mlflow_lets_in_the_names_by_which_it_is_called(services: dict[str, Any]) -> None:
    allowed = environment(services, "mlflow")["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    called = urlsplit(environment(services, "worker")["MLFLOW_TRACKING_URI"]).netloc
    (alias,) = services["mlflow"]["networks"]["default"]["aliases"]
    for host in (called, f"{alias}:5000", "localhost:5000", "127.0.0.1:5000"):
        assert any(fnmatch.fnmatch(host, pattern) for pattern in allowed), host
    for host in ("evil.example", "mlflow.evil.example:5000", ""):
        assert not any(fnmatch.fnmatch(host, pattern) for pattern in allowed), host


def test_label_studio_may_call_the_worker_and_no_other_private_address(
    services: dict[str, Any],
) -> None:
    settings = environment(services, "label-studio")
    assert settings["SSRF_PROTECTION_ENABLED"] == "true"
    assert settings["USE_DEFAULT_BANNED_SUBNETS"] == "false"
    subnets = settings["USER_ADDITIONAL_BANNED_SUBNETS"].split(",")
    banned = [ipaddress.ip_network(subnet) for subnet in subnets]

    def refused(address: str) -> bool:
        return any(ipaddress.ip_address(address) in network for network in banned)

    assert not refused("172.18.0.5")
    assert not refused("93.184.215.14")
    for address in (
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
    ):
        assert refused(address), address


def test_webhooks_find_a_host_with_a_dot(services: dict[str, Any]) -> None:
    host = urlsplit(WEBHOOK).hostname
    assert host
    assert "." in host
    assert host in services["worker"]["networks"]["default"]["aliases"]
    assert place(WEBHOOK).host == "0.0.0.0"


def test_addresses_of_notices_reach_the_worker(services: dict[str, Any]) -> None:
    assert environment(services, "worker")["LABELCYCLE_NOTIFY"] == ""


def test_label_studio_is_ready_for_labelcycle_at_its_first_start(services: dict[str, Any]) -> None:
    settings, worker = environment(services, "label-studio"), environment(services, "worker")
    assert settings["LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN"] == "true"
    assert settings["LABEL_STUDIO_USER_TOKEN"] == worker["LABEL_STUDIO_API_KEY"]
    assert settings["SECRET_KEY"] == "secret-label_studio_secret_key"
    assert settings["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
    assert settings["LABEL_STUDIO_HOST"] == worker["LABEL_STUDIO_HOST"]
    assert worker["LABEL_STUDIO_URL"] == "http://label-studio:8080"
    assert int(settings["TASK_LOCK_TTL"]) <= 3600


def test_label_studio_reads_the_media_where_labelcycle_says_and_cannot_write(
    services: dict[str, Any],
) -> None:
    settings, worker = environment(services, "label-studio"), environment(services, "worker")
    root = settings["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"]
    assert settings["LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED"] == "true"
    assert worker["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] == root
    media = {
        "type": "bind",
        "source": "/srv/campaign/.labelcycle/media",
        "target": root,
        "read_only": True,
    }
    assert media in services["label-studio"]["volumes"]


def test_only_the_worker_holds_the_campaign(services: dict[str, Any]) -> None:
    for name, service in services.items():
        whole = [v for v in service["volumes"] if isinstance(v, dict)]
        assert ("/srv/campaign" in [v["source"] for v in whole]) == (name == "worker")
    assert services["worker"]["command"] == [
        "labelcycle",
        "--campaign",
        "/campaign",
        "serve",
        "--webhook",
        WEBHOOK,
    ]


def test_services_without_accounts_stay_on_this_computer(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    assert "ports" not in services["postgres"]


def test_each_service_has_a_database_of_its_own(services: dict[str, Any]) -> None:
    made = dict(
        re.findall(
            r'^make_database (\w+) "\$(\w+)"$',
            (ROOT / "deploy" / "databases.sh").read_text(encoding="utf-8"),
            re.M,
        )
    )
    passwords = environment(services, "postgres")
    label_studio = environment(services, "label-studio")
    assert label_studio["DJANGO_DB"] == "default"
    used = {label_studio["POSTGRE_NAME"]: label_studio["POSTGRE_PASSWORD"]}
    for service, key in (
        ("mlflow", "MLFLOW_BACKEND_STORE_URI"),
        ("prefect", "PREFECT_SERVER_DATABASE_CONNECTION_URL"),
    ):
        address = urlsplit(environment(services, service)[key])
        assert (address.username, address.path) == (service, f"/{service}")
        used[service] = address.password or ""
    assert used == {name: passwords[variable] for name, variable in made.items()}


def test_prefect_asks_for_a_password_that_the_worker_knows(services: dict[str, Any]) -> None:
    server, worker = environment(services, "prefect"), environment(services, "worker")
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == worker["PREFECT_API_AUTH_STRING"]
    assert worker["PREFECT_API_URL"] == "http://prefect:4200/api"


def test_the_image_takes_locked_versions_and_no_secrets() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if "pip install" in line]
    assert installs
    assert all("--constraint /tmp/constraints.txt" in line for line in installs)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert not any(line.startswith("!.env") for line in ignored)


def test_the_script_for_the_databases_is_sound() -> None:
    script = ROOT / "deploy" / "databases.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)
