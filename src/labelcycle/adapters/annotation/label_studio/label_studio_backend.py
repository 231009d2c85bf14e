"""The tasks and answers of a campaign in Label Studio.

A task is known by its key (in its data), never by having been pushed: a push first looks what is
there, makes only what is missing, and looks again after any failure, for a server may do what it
says it did not do. Twins that nobody answered are removed, so each key is one task; each look at
the progress and each pull do so too, for a server that timed out may make them after the push.
"""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import httpx

from labelcycle.adapters.address_logins import without_login
from labelcycle.adapters.annotation.label_studio import (
    answering,
    config_difference,
    found_project,
    labeling_config,
    project_webhook,
    shown_images,
    task_display,
    task_import,
    task_people,
    tidying,
)
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import (
    AnnotationProgress,
    Answer,
    Display,
    LabelSchema,
    OpenTask,
    TaskSpec,
)
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import DataError, ServiceDown, ServiceRefused

CHUNK = 500
"""Tasks in one request; 500 with predictions took 1.7 s on SQLite."""

PAUSES_S = (0.5, 2.0, 5.0, 10.0)
"""Between the tries of a push: a server that timed out may still be storing the tasks."""

SNAPSHOT_TRIES = 3


class LabelStudioBackend:
    """The campaign's tasks in Label Studio, of the server that the environment names.

    environment : LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY; LABEL_STUDIO_HOST (address for people,
        if it is another one); LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT (the media folder as the
        server sees it, if it sees another path). os.environ by default.
    transport, pauses_s : replace the network and the waiting, for tests
    """

    def __init__(
        self,
        campaign: Campaign,
        environment: Mapping[str, str] | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        env = os.environ if environment is None else environment
        self._campaign = campaign
        self._api = LabelStudioApi(
            env.get("LABEL_STUDIO_URL", ""),
            env.get("LABEL_STUDIO_API_KEY", ""),
            transport=transport,
        )
        self._public = without_login((env.get("LABEL_STUDIO_HOST") or self._api.url).rstrip("/"))
        root = env.get("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT")
        self._document_root = PurePosixPath(root or campaign.media.as_posix())
        self._pauses_s = tuple(pauses_s)

    def __repr__(self) -> str:
        return f"LabelStudioBackend({self._api.url})"

    def check(self) -> None:
        """Raise if Label Studio is away or the token opens nothing."""
        self._api.whoami()

    def accounts(self) -> dict[str, str]:
        """E-mail address of each annotator, by the name that answers have."""
        return {str(number): email for email, number in self._api.users().items()}

    def invitation(self, *, renew: bool) -> str:
        """The link with which people make accounts of their own; `renew` makes the old useless."""
        return self._public + task_people.invitation(self._api, renew)

    def keep_webhook(self, project: int, url: str, secret: str) -> None:
        """Have `url` called with `secret` whenever somebody has answered."""
        project_webhook.keep(self._api, project, url, secret)

    def remove_webhook(self, project: int) -> None:
        """Have nobody called any more."""
        project_webhook.remove(self._api, project)

    # --- the project ------------------------------------------------------------------------

    def open_project(self, campaign: str, title: str, schema: LabelSchema) -> int:
        """Id of the campaign's project, found by `campaign`; made if there is none."""
        return found_project.open_for(self._api, campaign, title, schema)

    def project_url(self, project: int) -> str:
        """Address of the list of tasks, for whoever runs the campaign."""
        return f"{self._public}/projects/{project}/data"

    def work_url(self, project: int) -> str:
        """Address at which a person is shown the next open task at once."""
        return f"{self.project_url(project)}?labeling=1"

    def check_schema(self, project: int, schema: LabelSchema) -> None:
        """Raise `ServiceRefused` with the difference if the project no longer asks for `schema`."""
        difference = config_difference.difference(self._api.project(project).config, schema)
        if difference:
            raise ServiceRefused(
                f"the labelling interface of project {project} ({self.project_url(project)})"
                f" {difference}; wanted the classes {', '.join(map(repr, schema.classes))};"
                " put it right in its Settings under Labeling Interface"
            )

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        """Task id by key, of the campaign's tasks whose key starts so; none without a project."""
        project = found_project.find(self._api, campaign)
        tasks = [] if project is None else self._api.tasks(project)
        return {task.key: task.id for task in tasks if task.key and task.key.startswith(prefix)}

    # --- push -------------------------------------------------------------------------------

    def push(
        self, project: int, tasks: Sequence[TaskSpec], model: str | None = None
    ) -> dict[str, int]:
        """Task id by key; each key is exactly one task afterwards, whatever was there before.

        model : name of the model whose predictions annotators are to see, if any

        Tasks are made in the order of rank. Raises DataError for a task that cannot be shown.
        """
        offered = labeling_config.classes(self._api.project(project).config)
        media = self._campaign.media
        ranked = sorted(tasks, key=lambda task: task.rank)
        records = {task.key: task_import.record(task, media, offered) for task in ranked}
        if len(records) != len(ranked):
            raise DataError(
                f"wanted one task a key, got {len(ranked)} tasks with {len(records)} keys"
            )
        shown_images.allow(self._api, project, ranked, media, self._document_root)
        present = self._push_missing(project, records)
        if model is not None:
            self._api.update_project(project, model_version=model)
        task_of_key = tidying.unique(self._api, project, present)
        ids = {key: task_of_key[key][0].id for key in records}
        people = {ids[task.key]: task.wanted for task in ranked}
        every = [task for twins in task_of_key.values() for task in twins]
        task_people.ask(self._api, project, people, every)
        return ids

    def _push_missing(
        self, project: int, records: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, list[ListedTask]]:
        """Make what is missing until nothing is; after a failure what is there is asked anew."""
        failure: ServiceDown | None = None
        for pause_s in (0.0, *self._pauses_s):
            if failure:
                time.sleep(pause_s)
            try:
                present = self._as_made(project, records)
                missing = [record for key, record in records.items() if key not in present]
                for chunk in labeling_config.chunks(missing, CHUNK):
                    self._api.import_tasks(project, chunk)
                if not missing:
                    return present
                present = self._by_key(project, records)
                if len(present) == len(records):
                    return present
            except ServiceDown as error:
                failure = error
        raise failure or ServiceDown(
            f"project {project}: wanted {len(records)} tasks, got {len(present)} although the"
            " server took them all; somebody may be deleting them: run the same command again"
        )

    def _by_key(self, project: int, keys: Mapping[str, object]) -> dict[str, list[ListedTask]]:
        """The project's tasks with these keys, by id within each key."""
        return tidying.grouped(self._api.tasks(project), keys)

    def _as_made(
        self, project: int, records: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, list[ListedTask]]:
        """The tasks of these keys that show what they are to show: others can be made by anybody.

        One that shows something else goes, if nobody has answered it.
        """
        present = self._by_key(project, records)
        strange = tidying.strange(present, records)
        if not strange:
            return present
        tidying.remove_twins(self._api, project, strange)
        return self._by_key(project, records)

    # --- what people see --------------------------------------------------------------------

    def display(self, tasks: Sequence[TaskSpec]) -> dict[str, Display]:
        """By key, what each task shows once it is pushed. Raises DataError as `push` does."""
        return {task.key: task_import.display(task, self._campaign.media) for task in tasks}

    def displayed(self, project: int, tasks: Mapping[str, int]) -> dict[str, list[Display]]:
        """By key, what each of `tasks` (key -> id) that is there shows now, and each twin of it."""
        return {
            key: [each.display for each in twins]
            for key, twins in self._shown(project, tasks).items()
        }

    def restore(
        self, project: int, tasks: Mapping[str, int], displays: Mapping[str, Display]
    ) -> None:
        """Have those of `tasks` that `displays` names by key, and their twins, show that again.

        A pre-annotation that is not in it goes; one that is missing stays away, for nobody is
        misled by none.
        """
        named = {key: number for key, number in tasks.items() if key in displays}
        for key, twins in self._shown(project, named).items():
            for task in twins:
                task_display.restore(self._api, key, task, displays[key])

    def _shown(self, project: int, tasks: Mapping[str, int]) -> dict[str, list[task_display.Shown]]:
        return task_display.shown(self._api, project, self._by_key(project, tasks))

    # --- while people work ------------------------------------------------------------------

    def progress(
        self, project: int, tasks: Mapping[str, int], wanted: Mapping[str, int] | None = None
    ) -> AnnotationProgress:
        """How many of `tasks` (key -> id) are done; wanted : people by key, where not one.

        Twins made since the push go, before they are answered and paid for, too.
        """
        wanted = wanted or {}
        listed = self._api.tasks(project)
        found = tidying.grouped(listed, tasks)
        self._none_gone(project, tasks, set(found))
        strangers = tidying.remove_strangers(self._api, project, tasks, listed)
        own = tidying.unique(self._api, project, found)
        # a twin that stays because it was answered was made for one person
        people = {task.id: wanted[key] for key in own if key in wanted for task in own[key]}
        every = [task for twins in own.values() for task in twins]
        task_people.ask(self._api, project, people, every)
        done = task_people.progress(self._api, project, own, wanted)
        return replace(done, strangers=strangers)

    def withdraw(self, project: int, tasks: Mapping[str, int]) -> None:
        """Have nobody asked any more about `tasks`; an answer that comes all the same is late.

        They stay, for somebody may have one open, and an answer would go with its task.
        """
        listed = [task for twins in self._by_key(project, tasks).values() for task in twins]
        task_people.ask_no_more(self._api, listed)

    def tidy(self, project: int, tasks: Mapping[str, int]) -> None:
        """Remove those of the withdrawn `tasks` that nobody has answered or skipped."""
        tidying.remove_round(self._api, project, tasks)

    def remove(self, project: int, tasks: Mapping[str, int]) -> None:
        """Remove `tasks` (key -> id) and their twins, with their answers; those that are there."""
        for twins in self._by_key(project, dict.fromkeys(tasks)).values():
            tidying.remove_answered(self._api, project, twins)

    # --- answers of a program ---------------------------------------------------------------

    def classes(self, project: int) -> tuple[str, ...]:
        """The class names that the project offers."""
        return labeling_config.classes(self._api.project(project).config)

    def open_tasks(self, project: int, wanted: Mapping[int, int] | None = None) -> list[OpenTask]:
        """The tasks that want further people; see `labelcycle.adapters.ports.Answering`."""
        return answering.open_tasks(self._api, project, wanted)

    def people(self, count: int) -> list[str]:
        """Accounts of `count` simulated people; made if they do not exist."""
        return answering.people(self._api, count)

    def give(
        self,
        task: OpenTask,
        person: str,
        labels: Sequence[str],
        *,
        reason: str = "",
        lead_time_s: float | None = None,
    ) -> None:
        """One person's answer to a task; given again by the same person, it stands once."""
        answering.give(self._api, task, int(person), labels, reason, lead_time_s)

    # --- pull -------------------------------------------------------------------------------

    def pull(
        self, project: int, tasks: Mapping[str, int], *, optional: Collection[str] = ()
    ) -> list[Answer]:
        """Every answer to `tasks` (key -> id), a full snapshot, sorted by task and annotation id.

        A task that is gone is an error; one whose key is `optional` then has no answers.
        Drafts are no answers.
        """
        records = self._snapshot(project, tasks)
        wanted = {key: number for key, number in tasks.items() if key not in optional}
        self._none_gone(project, wanted, {record["data"]["key"] for record in records})
        return self._read(project, records)

    def answers_to(self, project: int, tasks: Collection[int]) -> list[Answer]:
        """The answers to some tasks, by id, as they are now; none of one that is gone."""
        return self._read(project, self._api.export(project, list(tasks)) if tasks else [])

    def touched(self, project: int, tasks: Mapping[str, int]) -> dict[str, str | None]:
        """By key, who did the last thing to each of `tasks` that is there; None: nobody knows.

        Every account can forge it.
        """
        by_id = {number: key for key, number in tasks.items()}
        return {
            by_id[task.id]: None if task.touched_by is None else str(task.touched_by)
            for task in self._api.tasks(project, list(by_id))
            if task.key == by_id[task.id]
        }

    def _read(self, project: int, records: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """The answers of exported tasks. Raises ServiceRefused if one cannot be read."""
        try:
            answers = [
                task_import.answer(record, annotation, self._api.me)
                for record in records
                for annotation in record["annotations"]
            ]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServiceRefused(
                f"the export of project {project} holds an annotation that cannot be read:"
                f" {type(error).__name__}: {error}; look at it in {self.project_url(project)}"
            ) from error
        return sorted(answers, key=lambda answer: (answer.task, answer.annotation))

    def _snapshot(self, project: int, keys: Mapping[str, object]) -> list[dict[str, Any]]:
        """The tasks with these keys as exported, with as many annotations as the list counts."""
        for _ in range(SNAPSHOT_TRIES):
            present = self._by_key(project, keys)
            task_of_key = tidying.unique(self._api, project, present)
            counts = {task.id: task.touches for twins in task_of_key.values() for task in twins}
            records = self._api.export(project, list(counts))
            held = {record["id"]: len(record["annotations"]) for record in records}
            fewer = [n for n in counts.keys() & held.keys() if held[n] < counts[n]]
            if counts.keys() == held.keys() and not fewer:
                return records
        # the server's counts stay wrong once somebody has moved an answer to another task
        if counts.keys() == held.keys() and all(self._api.annotations(n) == held[n] for n in fewer):
            return records
        raise ServiceDown(
            f"the export of project {project} is not complete: wanted {len(counts)} tasks with"
            f" {sum(counts.values())} annotations, got {len(held)} with {sum(held.values())};"
            " somebody may be changing them: run the same command again"
        )

    def _none_gone(self, project: int, tasks: Mapping[str, int], found: set[str]) -> None:
        """Raise ServiceRefused if somebody deleted one of the round's tasks."""
        gone = sorted((number, key) for key, number in tasks.items() if key not in found)
        if gone:
            number, key = gone[0]
            raise ServiceRefused(
                f"project {project} ({self.project_url(project)}): wanted {len(tasks)} tasks, got"
                f" {len(tasks) - len(gone)}: task {number} of sample {key.rpartition('/')[2]} was"
                " deleted; run `labelcycle close --incomplete` to end the round without"
                f" {'it' if len(gone) == 1 else f'these {len(gone)}'}"
            )
