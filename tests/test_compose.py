import configparser
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

from labelcycle_flows.receiving import receiver_address

ROOT = Path(__file__).resolve().parents[1]
BANNED_BY_DEFAULT = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
]
"""Label Studio 1.23.2's own list, less what lies in others of it."""
WEBHOOK = "http://worker.labelcycle.internal:8090/"
NEEDED = ("SECRETS", "CAMPAIGN")
HARDENED = {
    "restart": "unless-stopped",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}},
}


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
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that deploy/secrets.sh wrote."""
    folder = tmp_path_factory.mktemp("secrets") / "made"
    run = made_secrets(folder)
    assert run.returncode == 0, run.stderr
    return folder


def made_secrets(folder: Path, email: str = "me@example.org") -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "deploy" / "secrets.sh"), str(folder), email]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> dict[str, Any]:
    given = {"SECRETS": str(secrets), "CAMPAIGN": "/srv/campaign"}
    run = configured(tmp_path_factory.mktemp("compose"), given)
    assert run.returncode == 0, run.stderr
    found = yaml.safe_load(run.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def services(whole: dict[str, Any]) -> dict[str, Any]:
    found = whole["services"]
    assert isinstance(found, dict)
    return found


def variables(file: Path) -> dict[str, str]:
    """What a shell knows after it read a file of secrets."""
    command = ["sh", "-c", '. "$1"; env', "sh", str(file)]
    run = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in run.stdout.splitlines())


def environment(services: dict[str, Any], name: str) -> dict[str, str]:
    return {k: str(v) for k, v in services[name]["environment"].items()}


def test_all_services_are_there(services: dict[str, Any]) -> None:
    assert sorted(services) == ["label-studio", "mlflow", "postgres", "prefect", "worker"]
    assert services["label-studio"]["image"] == "heartexlabs/label-studio:1.23.2"


@pytest.mark.slow
def test_without_secrets_nothing_starts_and_it_is_said_what_makes_them(tmp_path: Path) -> None:
    run = configured(tmp_path, {"CAMPAIGN": "x"})
    assert run.returncode != 0
    assert "SECRETS is empty, make them with deploy/secrets.sh" in run.stderr


def test_nothing_that_is_needed_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for name in NEEDED:
        uses = re.findall(rf"\$\{{{name}\b([^}}]*)\}}", text)
        assert uses, name
        assert all(use.startswith(f":?{name} is empty, ") for use in uses), name
        assert f"{name}=" in example


def test_every_container_has_no_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert {key: service.get(key) for key in HARDENED} == HARDENED, name
        assert service.get("mem_limit"), name
        assert service.get("pids_limit"), name
        assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service), name
        assert "docker.sock" not in str(service.get("volumes")), name
        # Label Studio's image writes beside its data where we cannot see.
        assert service.get("read_only", False) == (name != "label-studio"), name
        assert service.get("healthcheck"), name


def test_nobody_is_root(services: dict[str, Any]) -> None:
    assert services["postgres"]["user"] == "999:999"
    assert services["worker"]["user"] == "1000:1000"
    stages = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[1:]
    by_name = {re.search(r" AS (\w+)", stage)[1]: stage for stage in stages}  # type: ignore[index]
    for name in ("services", "worker"):
        users = re.findall(r"^USER (\S+)", by_name[name], re.M)
        assert users, name
        assert users[-1] not in ("root", "0"), name


def test_each_service_has_its_own_secrets_and_no_others(
    services: dict[str, Any], whole: dict[str, Any], secrets: Path
) -> None:
    given = {
        name: sorted(each["source"] for each in service["secrets"])
        for name, service in services.items()
    }
    assert given == {
        "postgres": ["databases.env", "postgres_password"],
        "label-studio": ["label-studio.env"],
        "mlflow": ["mlflow-auth.ini", "mlflow.env"],
        "prefect": ["prefect.env"],
        "worker": ["worker.env"],
    }
    for name, secret in whole["secrets"].items():
        assert Path(secret["file"]) == secrets / name
        assert (secrets / name).is_file()
    assert sorted(whole["secrets"]) == sorted(file.name for file in secrets.iterdir())


def test_no_secret_shows_in_the_configuration(whole: dict[str, Any], secrets: Path) -> None:
    text = yaml.safe_dump(whole)
    for file in secrets.iterdir():
        for secret in re.findall(r"[0-9a-f]{40}", file.read_text(encoding="utf-8")):
            assert secret not in text, file.name
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.env", "/secrets/"} <= set(ignored)


def test_secrets_are_random_closed_to_others_and_never_written_over(
    secrets: Path, tmp_path: Path
) -> None:
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert made_secrets(tmp_path / "more").returncode == 0
    for file in secrets.iterdir():
        first, second = (
            set(re.findall(r"[0-9a-f]{40}", (folder / file.name).read_text(encoding="utf-8")))
            for folder in (secrets, tmp_path / "more")
        )
        assert first
        assert not first & second
    again = made_secrets(secrets)
    assert again.returncode == 1
    assert "exists: its secrets are in use" in again.stderr
    for email in ("me", "a'b@example.org", "$(id)@example.org", "@x", "a@b@c"):
        assert made_secrets(tmp_path / "bad", email).returncode == 2, email
        assert not list(tmp_path.glob("bad*"))


def test_a_command_gets_the_secrets_of_its_container(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "with-secrets.sh").read_text(encoding="utf-8")
    (tmp_path / "worker.env").write_text("export LABEL_STUDIO_API_KEY='abc'\n", encoding="utf-8")
    script = tmp_path / "with-secrets"
    script.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    command = ["sh", str(script), "sh", "-c", 'echo "$LABEL_STUDIO_API_KEY" "$1"', "sh", "a b"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "abc a b\n"
    (tmp_path / "no.env").mkdir()  # what Docker makes of a file that is not there
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "names no folder that deploy/secrets.sh wrote" in run.stderr


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
    for host in (called, "localhost:5000", "127.0.0.1:5000"):
        assert any(fnmatch.fnmatch(host, pattern) for pattern in allowed), host
    for host in ("evil.example", "mlflow.evil.example:5000", "mlflow.labelcycle.internal:5000", ""):
        assert not any(fnmatch.fnmatch(host, pattern) for pattern in allowed), host


def test_label_studio_is_banned_from_all_private_addresses_but_the_workers(
    services: dict[str, Any], whole: dict[str, Any]
) -> None:
    settings = environment(services, "label-studio")
    assert settings["SSRF_PROTECTION_ENABLED"] == "true"
    assert settings["USE_DEFAULT_BANNED_SUBNETS"] == "false"
    (front,) = whole["networks"]["front"]["ipam"]["config"]
    worker = ipaddress.ip_network(services["worker"]["networks"]["front"]["ipv4_address"])
    assert worker.subnet_of(ipaddress.ip_network(front["subnet"]))  # type: ignore[arg-type]
    banned = [ipaddress.ip_network(subnet) for subnet in allowed_to_ban(settings)]
    wanted = []
    for text in BANNED_BY_DEFAULT:
        network = ipaddress.ip_network(text)
        holed = network.version == 4 and worker.subnet_of(network)  # type: ignore[arg-type]
        wanted += network.address_exclude(worker) if holed else [network]  # type: ignore[arg-type]
    for version in (4, 6):
        assert set(ipaddress.collapse_addresses(n for n in banned if n.version == version)) == set(
            ipaddress.collapse_addresses(n for n in wanted if n.version == version)
        )


def allowed_to_ban(settings: Mapping[str, str]) -> list[str]:
    return settings["USER_ADDITIONAL_BANNED_SUBNETS"].split(",")


def test_label_studio_shares_no_network_with_what_holds_the_truth(services: dict[str, Any]) -> None:
    networks = {name: set(service["networks"]) for name, service in services.items()}
    assert networks == {
        "postgres": {"data", "back"},
        "label-studio": {"data", "front"},
        "mlflow": {"back"},
        "prefect": {"back"},
        "worker": {"back", "front"},
    }
    for name in ("mlflow", "prefect", "postgres"):
        assert "labelcycle.internal" not in str(services[name])


def test_webhooks_find_a_host_with_a_dot(services: dict[str, Any]) -> None:
    host = urlsplit(WEBHOOK).hostname
    assert host
    assert "." in host
    assert host in services["worker"]["networks"]["front"]["aliases"]
    assert receiver_address(WEBHOOK).host == "0.0.0.0"


def test_addresses_of_notices_reach_the_worker(secrets: Path) -> None:
    assert variables(secrets / "worker.env")["LABELCYCLE_NOTIFY"] == ""


def test_label_studio_is_ready_for_labelcycle_at_its_first_start(
    services: dict[str, Any], secrets: Path
) -> None:
    settings = environment(services, "label-studio")
    assert settings["ENV_INJECT_SOURCES"] == "/run/secrets/label-studio.env"
    hidden = variables(secrets / "label-studio.env")
    token = variables(secrets / "worker.env")["LABEL_STUDIO_API_KEY"]
    assert hidden["LABEL_STUDIO_USER_TOKEN"] == token
    assert len(token) == 40, "Label Studio takes no longer one"
    assert hidden["LABEL_STUDIO_USERNAME"] == "me@example.org"
    assert {"SECRET_KEY", "LABEL_STUDIO_PASSWORD", "POSTGRE_PASSWORD"} <= set(hidden)
    assert settings["LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN"] == "true"
    assert settings["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
    assert int(settings["TASK_LOCK_TTL"]) <= 3600


def test_label_studio_and_the_worker_agree_on_addresses(services: dict[str, Any]) -> None:
    settings, worker = environment(services, "label-studio"), environment(services, "worker")
    assert settings["LABEL_STUDIO_HOST"] == worker["LABEL_STUDIO_HOST"]
    assert settings["CSRF_TRUSTED_ORIGINS"] == settings["LABEL_STUDIO_HOST"]
    assert worker["LABEL_STUDIO_URL"] == "http://label-studio:8080"


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


def test_ports_are_open_to_this_computer_alone(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    assert "ports" not in services["postgres"]


def test_each_service_has_a_database_of_its_own(services: dict[str, Any], secrets: Path) -> None:
    made = dict(
        re.findall(
            r'^make_database (\w+) "\$(\w+)"$',
            (ROOT / "deploy" / "databases.sh").read_text(encoding="utf-8"),
            re.M,
        )
    )
    passwords = variables(secrets / "databases.env")
    label_studio = environment(services, "label-studio")
    assert label_studio["DJANGO_DB"] == "default"
    hidden = variables(secrets / "label-studio.env")
    used = {label_studio["POSTGRE_NAME"]: hidden["POSTGRE_PASSWORD"]}
    for service, key in (
        ("mlflow", "MLFLOW_BACKEND_STORE_URI"),
        ("prefect", "PREFECT_SERVER_DATABASE_CONNECTION_URL"),
    ):
        address = urlsplit(variables(secrets / f"{service}.env")[key])
        assert (address.username, address.path) == (service, f"/{service}")
        used[service] = address.password or ""
    assert used == {name: passwords[variable] for name, variable in made.items()}
    assert len(set(used.values())) == 3


def test_prefect_asks_for_a_password_that_the_worker_knows(
    services: dict[str, Any], secrets: Path
) -> None:
    server, worker = variables(secrets / "prefect.env"), variables(secrets / "worker.env")
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == worker["PREFECT_API_AUTH_STRING"]
    assert environment(services, "worker")["PREFECT_API_URL"] == "http://prefect:4200/api"
    assert environment(services, "worker")["PREFECT_UI_URL"] == "http://localhost:4200"
    settings = environment(services, "prefect")
    assert settings["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://localhost:4200"
    assert settings["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"


def test_mlflow_asks_for_a_login_that_the_worker_has(
    services: dict[str, Any], secrets: Path
) -> None:
    command = services["mlflow"]["command"]
    assert command[command.index("--app-name") + 1] == "basic-auth"
    path = environment(services, "mlflow")["MLFLOW_AUTH_CONFIG_PATH"]
    config = configparser.ConfigParser()
    config.read(secrets / Path(path).name)
    assert path == "/run/secrets/mlflow-auth.ini"
    worker = variables(secrets / "worker.env")
    assert config["mlflow"]["admin_username"] == worker["MLFLOW_TRACKING_USERNAME"]
    assert config["mlflow"]["admin_password"] == worker["MLFLOW_TRACKING_PASSWORD"]
    assert config["mlflow"]["default_permission"] == "NO_PERMISSIONS"
    # The accounts are a file beside the artifacts, which MLflow hands out, not among them.
    accounts = Path(urlsplit(config["mlflow"]["database_uri"]).path.removeprefix("/"))
    served = Path(environment(services, "mlflow")["MLFLOW_ARTIFACTS_DESTINATION"])
    assert not accounts.is_relative_to(served)
    made = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"install -d -o labelcycle {served.parent} {accounts.parent}" in made


def test_the_image_takes_locked_files_and_no_secrets() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "PIP_REQUIRE_HASHES=1 PIP_NO_DEPS=1 PIP_ONLY_BINARY=:all:" in text
    lifted = [line for line in text.splitlines() if "PIP_REQUIRE_HASHES=0" in line]
    assert len(lifted) == 1, "our own package alone has no digest"
    assert "--no-build-isolation /opt/source" in lifted[0]
    assert set(re.findall(r"--requirement /tmp/(\S+)\.txt", text)) == {
        "build",
        "runtime",
        "services",
    }
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert not any(line.startswith(("!.env", "!secrets")) for line in ignored)


@pytest.mark.parametrize("name", ["databases.sh", "secrets.sh", "with-secrets.sh"])
def test_the_scripts_are_sound(name: str) -> None:
    script = ROOT / "deploy" / name
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)
