"""How Label Studio shows the images of tasks: its own folders, a bucket, or the web."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from labelcycle.adapters import s3
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import Address, TaskSpec
from labelcycle.errors import DataError, ServiceDown, ServiceRefused

TITLE = "labelcycle images"
"""Of the storages that are ours to change."""


def shown(task: TaskSpec, media: Path) -> str:
    """What names the image in a task's data. Raises DataError if it cannot be shown.

    media : folder that the server shows images from
    """
    if isinstance(task.image, Address):
        return task.image.text
    path = quote(str(_relative(task, task.image, media)))  # a # or % unquoted is answered with 404
    return f"/data/local-files/?d={path}"


def allow(
    api: LabelStudioApi,
    project: int,
    tasks: Sequence[TaskSpec],
    media: Path,
    document_root: PurePosixPath,
) -> None:
    """Make the folders and buckets of images known to the project; without, it answers 404.

    document_root : the media folder as the server sees it
    """
    files = [_relative(t, t.image, media) for t in tasks if isinstance(t.image, Path)]
    _allow_folders(api, project, {str(document_root / path.parts[0]) for path in files})
    for bucket, settings in _buckets(
        t.image for t in tasks if isinstance(t.image, Address)
    ).items():
        _allow_bucket(api, project, bucket, settings)


def _relative(task: TaskSpec, image: Path, media: Path) -> PurePosixPath:
    """The image's path below the media folder. Raises DataError if it cannot be shown.

    Label Studio shows files of folders below its document root, none that lie in the root itself.
    """
    image = image.absolute()
    if image.is_relative_to(media) and image.is_file():
        path = PurePosixPath(image.relative_to(media).as_posix())
        if len(path.parts) > 1 and ".." not in path.parts:
            return path
    raise DataError(
        f"sample {task.sample}: wanted an image in a folder below {media}, got {task.image};"
        " run `labelcycle open` again"
    )


def _allow_folders(api: LabelStudioApi, project: int, wanted: set[str]) -> None:
    """Make a storage of each folder, as the server sees it, that has none."""

    def allow(sdk: Any) -> None:
        local = sdk.import_storage.local
        present = {str(storage.path) for storage in local.list(project=project)}
        for path in sorted(wanted - present):
            local.create(project=project, path=path, title=TITLE, use_blob_urls=True)

    if wanted:
        api.call(f"allowing images from {', '.join(sorted(wanted))}", allow, project)


# --- buckets -------------------------------------------------------------------------------


def _buckets(addresses: Iterable[Address]) -> dict[str, dict[str, Any]]:
    """What Label Studio is told of each bucket that holds images."""
    by_bucket: dict[str, dict[str, Any]] = {}
    for address in addresses:
        if address.text.startswith(s3.SCHEME):
            bucket, key = s3.split(address.text)
            by_bucket[bucket] = {
                "bucket": bucket,
                "prefix": str(PurePosixPath(key).parent) if "/" in key else "",
                "presign": address.presign_minutes > 0,
                "presign_ttl": address.presign_minutes or 1,
                "use_blob_urls": True,
                **_access(),
            }
    return by_bucket


def _access() -> dict[str, str]:
    """How Label Studio gets into a bucket: as we do, by what the environment names.

    Where it names no credentials, the server takes those of its own environment.
    """
    credentials = {
        "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID"),
        "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "aws_session_token": os.environ.get("AWS_SESSION_TOKEN"),
        "region_name": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        "s3endpoint": s3.endpoint(),
    }
    return {name: value for name, value in credentials.items() if value}


def _allow_bucket(api: LabelStudioApi, project: int, bucket: str, settings: dict[str, Any]) -> None:
    """Make or renew the project's one storage of a bucket that is ours.

    Renewed at every push: credentials change, and Label Studio does not say which it has.
    """
    doing = f"allowing images from the bucket {bucket}"
    storages = api.call(doing, lambda sdk: sdk.import_storage.s3.list(project=project), project)
    ours = [each.id for each in storages if each.bucket == bucket and each.title == TITLE]

    def write(sdk: Any) -> object:
        asked = sdk.import_storage.s3
        if ours:
            return asked.update(ours[0], project=project, **settings)
        return asked.create(project=project, title=TITLE, **settings)

    try:
        api.call(doing, write, project)
    except (ServiceDown, ServiceRefused) as error:  # an endpoint that it cannot reach is a 500
        raise type(error)(
            f"{error}; Label Studio itself must reach {s3.where()} and read the"
            f" prefix {settings['prefix']!r} of bucket {bucket} with the credentials of this"
            " environment, and refuses private addresses unless it is started with"
            " USE_DEFAULT_BANNED_SUBNETS=false (docs/guides/own-services.md)"
        ) from error
