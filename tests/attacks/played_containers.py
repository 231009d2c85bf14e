"""What an annotator reaches through Label Studio's container, read from docker-compose.yml."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from attacks import Try, attack

FILE = Path(__file__).resolve().parents[2] / "docker-compose.yml"
POOL = "172.16.0.0/12"
"""Where Docker places a network that has no addresses of its own."""


@attack("an annotator has Label Studio fetch pages of the other containers")
def reach_other_containers(folder: Path) -> Iterator[Try]:
    whole = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    services = whole["services"]
    settings = services["label-studio"]["environment"]
    banned = settings["USER_ADDITIONAL_BANNED_SUBNETS"].split(",")
    for name in ("postgres", "mlflow", "prefect"):
        shared = set(networks(services[name])) & set(networks(services["label-studio"]))
        places = [address(whole, services[name], network) for network in shared]
        reached = any(not refused(place, banned) for place in places)
        yield Try(f"fetch from {name}", reached)
    for network in networks(services["label-studio"]):
        subnet = ipaddress.ip_network(addresses(whole, network))
        yield Try(f"fetch from the computer itself over {network}", not refused(subnet[1], banned))


@attack("whoever may look at containers reads passwords in their settings")
def read_settings(folder: Path) -> Iterator[Try]:
    secret = re.compile(r"\$\{\w*(PASSWORD|TOKEN|SECRET_KEY|AUTH)\b")
    for name, service in yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"].items():
        shown = [k for k, v in service.get("environment", {}).items() if secret.search(str(v))]
        yield Try(
            f"secrets in the environment of {name}: {', '.join(shown) or 'none'}", bool(shown)
        )


def networks(service: Mapping[str, Any]) -> Mapping[str, Any]:
    given = service.get("networks") or ["default"]
    return given if isinstance(given, dict) else dict.fromkeys(given)


def addresses(whole: Mapping[str, Any], network: str) -> str:
    given = (whole.get("networks") or {}).get(network) or {}
    return str(given["ipam"]["config"][0]["subnet"]) if "ipam" in given else POOL


def address(whole: Mapping[str, Any], service: Mapping[str, Any], network: str) -> Any:
    """A container's address in a network: the given one, else one of those Docker may give."""
    fixed = (networks(service)[network] or {}).get("ipv4_address")
    return ipaddress.ip_address(fixed or ipaddress.ip_network(addresses(whole, network))[5])


def refused(place: Any, banned: list[str]) -> bool:
    return any(place in ipaddress.ip_network(subnet) for subnet in banned)
