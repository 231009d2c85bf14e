"""The options of encoder, clusterer, strategy and learner, checked once for each version of them.

A check imports the modules, and an encoder's brings torch: seconds, at every round. What was found
is kept in `.labelcycle/options.json`, under a digest of the settings, of the modules' code and of
the libraries they use. Each stage checks its own options again when it runs.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from labelcycle import config
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json, read_json, value_digest
from labelcycle.config import Config
from labelcycle.errors import DataError
from labelcycle.stages import code_digests
from labelcycle.stages.declaration import ENCODER


def checked(campaign: Campaign, settings: Config) -> Mapping[str, Mapping[str, Any]]:
    """Key that names a plug-in -> its options, defaults filled in, as plain values.

    Raises SettingsError, as `config.load` does, if a part is unknown or its options are wrong.
    """
    path = campaign.checked_options
    used = code_digests.code_of(
        *("labelcycle.core.registry", "labelcycle.options", *settings.plug_ins().values()),
        alone=("labelcycle.config",),
    )
    key = value_digest({"settings": settings.digest, "code": used})
    with contextlib.suppress(DataError, KeyError, TypeError):
        record = read_json(path)
        if record["key"] == key:
            found: Mapping[str, Mapping[str, Any]] = record["options"]
            return found
    options = config.check_parts(settings)
    write_bytes(path, dump_json({"key": key, "options": options}).encode(), mode=0o600)
    return options


def named_files(campaign: Campaign, settings: Config) -> dict[str, str]:
    """The file that the encoder's option `file` names, as `code_digests.named_files` has it."""
    return code_digests.named_files(campaign.root, checked(campaign, settings)[ENCODER].get("file"))


def in_data(campaign: Campaign, name: str) -> bool:
    """Whether a named file is there, among the campaign's data, where DVC keeps it for `verify`."""
    path = campaign.root / name
    return path.is_file() and path.resolve().is_relative_to(campaign.data)
