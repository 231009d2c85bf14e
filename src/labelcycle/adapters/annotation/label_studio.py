"""Label Studio as the place where people answer.

A task is known by its key (in its data), never by having been pushed: a push first looks what is
there, makes only what is missing, and looks again after any failure, for a server may do what it
says it did not do. Twins that nobody answered are removed, so each key is one task; each look at
the progress and each pull do so too, for a server that timed out may make them after the push.
"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import httpx

from labelcycle.adapters import (
    label_config,
    label_difference,
    label_images,
    label_studio_people,
    label_tasks,
)
from labelcycle.adapters.addresses import bare
from labelcycle.adapters.label_studio_api import LabelStudioApi, Task
from labelcycle.errors import DataError, ServiceDown, ServiceRefused
from labelcycle.ports import Answer, LabelSchema, Progress, TaskSpec
from labelcycle.store import Campaign

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
        self._public = bare((env.get("LABEL_STUDIO_HOST") or self._api.url).rstrip("/"))
        root = env.get("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT")
        self._document_root = PurePosixPath(root or campaign.media.as_posix())
        self._pauses_s = tuple(pauses_s)

    def __repr__(self) -> str:
        return f"LabelStudioBackend({self._api.url})"

    def check(self) -> None:
        """Raise if Label Studio is away or the token opens nothing."""
        self._api.whoami()

    # --- the project ------------------------------------------------------------------------

    def open_project(self, campaign: str, title: str, schema: LabelSchema) -> int:
        """Id of the campaign's project, found by `campaign`; made if there is none."""
        mark = f"labelcycle campaign {campaign}"
        found = self._find_project(mark)
        shown = {
            "expert_instruction": label_config.instruction(schema),
            # It stands on the page; a window over the first image takes keys meant for it.
            "show_instruction": False,
        }
        config = label_config.build(schema)
        if found is not None:
            self._api.update_project(found, **shown, **self._new_config(found, config))
            return found
        try:
            made = self._api.create_project(
                title=label_config.title(title),
                description=f"{mark}\n{label_difference.mark(config)}",
                label_config=config,
                **shown,
                sampling="Sequential sampling",  # by id, and ids follow the rank
                show_skip_button=True,
                skip_queue="IGNORE_SKIPPED",  # a skip is an answer: the task is not asked again
                enable_empty_annotation=False,
                show_collab_predictions=True,
                maximum_annotations=1,
            )
        except ServiceDown:
            first = self._find_project(mark)  # it may have been made before the server failed
            if first is None:
                raise
            return first
        # one that was made at the same time, or by a repeated request, is the campaign's for all
        return self._find_project(mark) or made

    def _new_config(self, project: int, config: str) -> dict[str, str]:
        """What brings a project's interface to `config`; nothing if that is not ours to change.

        It is ours as long as the description bears its mark: nobody edited it in Label Studio.
        """
        present = self._api.project(project)
        lines = present.description.splitlines()
        try:
            mark = label_difference.mark(present.config)
        except ServiceRefused:  # it asks for something else; `check_schema` says so
            return {}
        new = label_difference.mark(config)
        if new in lines and mark == new:
            return {}
        others = [line for line in lines if not line.startswith(label_difference.MARK)]
        description = "\n".join([*others, new])
        if mark == new:
            return {"description": description}
        return {"label_config": config, "description": description} if mark in lines else {}

    def _find_project(self, mark: str) -> int | None:
        """The first project whose description carries the mark; copies of it come later."""
        marked = (p.id for p in self._api.projects() if mark in p.description.splitlines())
        return next(marked, None)

    def project_url(self, project: int) -> str:
        """Address of the list of tasks, for whoever runs the campaign."""
        return f"{self._public}/projects/{project}/data"

    def work_url(self, project: int) -> str:
        """Address at which a person is shown the next open task at once."""
        return f"{self.project_url(project)}?labeling=1"

    def check_schema(self, project: int, schema: LabelSchema) -> None:
        """Raise `ServiceRefused` with the difference if the project no longer asks for `schema`."""
        found = label_difference.difference(self._api.project(project).config, schema)
        if found:
            raise ServiceRefused(
                f"the labelling interface of project {project} ({self.project_url(project)})"
                f" {found}; wanted the classes {', '.join(map(repr, schema.classes))};"
                " put it right in its Settings under Labeling Interface"
            )

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        """Task id by key, of the campaign's tasks whose key starts so; none without a project."""
        project = self._find_project(f"labelcycle campaign {campaign}")
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
        offered = label_config.classes(self._api.project(project).config)
        media = self._campaign.media
        ranked = sorted(tasks, key=lambda task: task.rank)
        records = {task.key: label_tasks.record(task, media, offered) for task in ranked}
        if len(records) != len(ranked):
            raise DataError(
                f"wanted one task a key, got {len(ranked)} tasks with {len(records)} keys"
            )
        label_images.allow(self._api, project, ranked, media, self._document_root)
        present = self._push_missing(project, records)
        if model is not None:
            self._api.update_project(project, model_version=model)
        ids = {key: self._unique(present[key])[0].id for key in records}
        people = {ids[task.key]: task.wanted for task in ranked}
        every = [task for twins in present.values() for task in twins]
        label_studio_people.ask(self._api, project, people, every)
        return ids

    def _push_missing(
        self, project: int, records: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, list[Task]]:
        """Make what is missing until nothing is; after a failure what is there is asked anew."""
        failure: ServiceDown | None = None
        for pause_s in (0.0, *self._pauses_s):
            if failure:
                time.sleep(pause_s)
            try:
                present = self._by_key(project, records)
                missing = [record for key, record in records.items() if key not in present]
                for chunk in label_config.chunks(missing, CHUNK):
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

    def _by_key(self, project: int, keys: Mapping[str, object]) -> dict[str, list[Task]]:
        """The project's tasks with these keys, by id within each key."""
        present: dict[str, list[Task]] = defaultdict(list)
        for task in self._api.tasks(project):
            if task.key is not None and task.key in keys:
                present[task.key].append(task)
        return dict(present)

    def _unique(self, twins: Sequence[Task]) -> list[Task]:
        """Those of one key's tasks that stay: all that were answered, else the first; others go.

        Answered ones are never deleted: `pull` reads a key's answers wherever they are.
        """
        stay = [task for task in twins if not task.untouched] or twins[:1]
        return [task for task in twins if task in stay or not self._remove(task)]

    def _remove(self, task: Task) -> bool:
        """True if the task is gone now; one that has an annotation stays.

        Its annotations are asked anew: people go on answering, and a count may lag behind.
        """
        if not task.untouched or self._api.annotations(task.id):
            return False
        self._api.delete_task(task.id)
        return True

    # --- while people work ------------------------------------------------------------------

    def progress(
        self, project: int, tasks: Mapping[str, int], wanted: Mapping[str, int] | None = None
    ) -> Progress:
        """How many of `tasks` (key -> id) are done; wanted : people by key, where not one.

        Twins made since the push go, before they are answered and paid for, too.
        """
        wanted = wanted or {}
        found = self._by_key(project, tasks)
        self._none_gone(project, tasks, set(found))
        own = {key: self._unique(twins) for key, twins in found.items()}
        # a twin that stays because it was answered was made for one person
        people = {task.id: wanted[key] for key in own if key in wanted for task in own[key]}
        every = [task for twins in own.values() for task in twins]
        label_studio_people.ask(self._api, project, people, every)
        return label_studio_people.progress(self._api, project, own, wanted)

    def withdraw(self, project: int, tasks: Mapping[str, int]) -> int:
        """Remove those of `tasks` nobody has answered or skipped; the number removed.

        Of the others nobody is asked any more either.
        """
        removed = 0
        for _ in range(SNAPSHOT_TRIES):  # what was said to be deleted is looked for again
            listed = [task for twins in self._by_key(project, tasks).values() for task in twins]
            gone = sum(self._remove(task) for task in listed)
            if not gone:
                label_studio_people.ask_no_more(self._api, listed)
                return removed
            removed += gone
        raise ServiceDown(
            f"project {project}: wanted no unanswered task of the round, but some are there again"
            " although they were deleted: run the same command again"
        )

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
        try:
            answers = [
                label_tasks.answer(record, annotation)
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
            counts = {t.id: t.touches for twins in present.values() for t in self._unique(twins)}
            records = self._api.export(project, list(counts))
            held = {record["id"]: len(record["annotations"]) for record in records}
            if counts.keys() == held.keys() and all(held[n] >= counts[n] for n in counts):
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
