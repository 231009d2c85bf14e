"""What every annotation backend promises: each that is found by name, and Label Studio twice.

Once at its double, and once, as a test of services, at the real server.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from faults.double import TOKEN, URL, Double
from PIL import Image
from watched import WatchedFiles

from labelcycle.adapters import annotation
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.adapters.local import services
from labelcycle.adapters.ports import (
    AnnotationBackend,
    AnnotationProgress,
    Answer,
    Answering,
    LabelSchema,
    Prediction,
    TaskSpec,
)
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.core import skip_reasons
from labelcycle.errors import DataError, ServiceRefused
from labelcycle.people.simulated import Done, annotate

SCHEMA = LabelSchema(("cat", '<&"> Hündin'), "Choose what you see.\nSkip <bad> images.")
CAT, OTHER = SCHEMA.classes


class Hand:
    """What people can do in a backend that labelcycle never does."""

    def change(self, answer: Answer, label: str) -> None:
        """The annotator gives another answer in place of the first."""

    def remove_answer(self, answer: Answer) -> None: ...

    def remove_task(self, key: str, task: int) -> None: ...

    def remove_project(self, project: int) -> None: ...


class FilesHand(Hand):
    def __init__(self, backend: WatchedFiles) -> None:
        self.backend = backend

    def change(self, answer: Answer, label: str) -> None:
        self.backend.edit(answer.key, label, annotator=answer.annotator)

    def remove_answer(self, answer: Answer) -> None:
        self.backend.delete_answers(answer.key)

    def remove_task(self, key: str, task: int) -> None:
        self.backend.delete_task(key)

    def remove_project(self, project: int) -> None:
        self.backend.lose_project()


class LabelStudioHand(Hand):
    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None) -> None:
        headers = {"Authorization": f"Token {token}"}
        self.client = httpx.Client(base_url=url, headers=headers, transport=transport, timeout=60)

    def _ask(self, method: str, path: str, body: object = None) -> None:
        assert self.client.request(method, f"/api/{path}", json=body).is_success

    def change(self, answer: Answer, label: str) -> None:
        body = {"result": labeling_config.result(label)}
        self._ask("PATCH", f"annotations/{answer.annotation}/", body)

    def remove_answer(self, answer: Answer) -> None:
        self._ask("DELETE", f"annotations/{answer.annotation}/")

    def remove_task(self, key: str, task: int) -> None:
        self._ask("DELETE", f"tasks/{task}/")

    def remove_project(self, project: int) -> None:
        self._ask("DELETE", f"projects/{project}/")


@dataclass
class Place:
    """A backend with a new, empty project; hand : None for a backend that is not in `HANDED`."""

    campaign: Campaign
    backend: AnnotationBackend
    hand: Hand | None = None
    name: str = ""
    project: int = 0

    def __post_init__(self) -> None:
        self.name = uuid.uuid4().hex[:12]
        self.project = self.backend.open_project(self.name, "Contract", SCHEMA)

    @property
    def desk(self) -> Answering:
        assert isinstance(self.backend, Answering)
        return self.backend

    def tasks(self, *wanted: int, number: int = 1) -> list[TaskSpec]:
        """Tasks of one round for so many people each, in an order that is not the rank's."""
        image = self.campaign.media / "images" / "a b#%&+ä.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(image)
        specs = [
            TaskSpec(
                f"{self.name}/{number:03d}/{rank:016x}", f"{rank:016x}", image, rank, number,
                wanted=people, tasks=len(wanted),
            )
            for rank, people in enumerate(wanted)
        ]  # fmt: skip
        return specs[::-1]

    def push(self, *wanted: int, number: int = 1) -> dict[str, int]:
        """Task id by key, in the order of rank."""
        ids = self.backend.push(self.project, self.tasks(*wanted, number=number))
        return {key: ids[key] for key in sorted(ids)}

    def answer(self, person: int, task: int, *labels: str, reason: str = "") -> None:
        who = self.desk.people(person + 1)[person]
        listed = self.desk.open_tasks(self.project, {task: 9})
        (found,) = [each for each in listed if each.id == task]
        self.desk.give(found, who, labels, reason=reason, lead_time_s=1.5)

    def answers(self, ids: dict[str, int]) -> list[Answer]:
        return self.backend.pull(self.project, ids, optional=ids)


SERVER = pytest.param("server", marks=pytest.mark.service)

HANDED = pytest.mark.parametrize("place", ["files", "label_studio", SERVER], indirect=True)
"""For tests of what people do past the port: the backends of which that is known."""


@pytest.fixture(params=[*annotation.names(), SERVER])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    campaign = Campaign(tmp_path)
    campaign.private.mkdir()
    if request.param == "files":
        files = WatchedFiles(campaign)
        yield Place(campaign, files, FilesHand(files))
    elif request.param == "label_studio":
        yield from at_label_studio(campaign, URL, TOKEN, Double())
    elif request.param == "server":
        served = request.getfixturevalue("service_campaign")
        request.getfixturevalue("label_studio")
        found = services.environment(served)
        url, token = found["LABEL_STUDIO_URL"], found["LABEL_STUDIO_API_KEY"]
        yield from at_label_studio(served, url, token, None)
    else:
        yield Place(campaign, annotation.of(campaign, request.param))


def at_label_studio(
    campaign: Campaign, url: str, token: str, transport: httpx.BaseTransport | None
) -> Iterator[Place]:
    environment = {"LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": token}
    backend = LabelStudioBackend(campaign, environment, transport=transport, pauses_s=(0, 0))
    hand = LabelStudioHand(url, token, transport)
    with hand.client:
        yield Place(campaign, backend, hand)


@pytest.fixture
def hand(place: Place) -> Hand:
    assert place.hand is not None
    return place.hand


# --- what is declared ----------------------------------------------------------------------


@pytest.mark.parametrize("name", annotation.names())
def test_a_module_declares_what_is_asked_of_it_without_an_import(name: str) -> None:
    assert annotation.title(name) == annotation.get(name).TITLE
    assert annotation.next_step(name) == annotation.get(name).NEXT
    assert annotation.service(name) in (None, *services.NAMES)


@pytest.mark.parametrize("name", annotation.names())
def test_each_hot_key_chooses_one_class(name: str) -> None:
    keys = annotation.hot_keys(name)
    assert len(keys) == len(set(keys))
    assert keys.isprintable()


@pytest.mark.parametrize("name", annotation.names())
def test_doctor_is_told_in_lines(name: str, tmp_path: Path) -> None:
    lines = list(annotation.get(name).checks(Campaign(tmp_path)))
    assert lines
    assert all(ok or remedy for _, ok, _, remedy in lines)


# --- the project ---------------------------------------------------------------------------


def test_it_lets_us_in(place: Place) -> None:
    place.backend.check()
    assert all(isinstance(text, str) for text in place.backend.accounts().values())
    assert place.backend.work_url(place.project)


def test_the_project_is_made_once_and_follows_the_schema(place: Place) -> None:
    backend = place.backend
    backend.check_schema(place.project, SCHEMA)
    assert place.desk.classes(place.project) == SCHEMA.classes
    new = LabelSchema(("Katze", OTHER, "cow"), "Choose anew.")
    with pytest.raises(ServiceRefused, match="Katze"):
        backend.check_schema(place.project, new)
    for _ in range(2):
        assert backend.open_project(place.name, "Contract", new) == place.project
        backend.check_schema(place.project, new)
    assert place.desk.classes(place.project) == new.classes
    other = backend.open_project(uuid.uuid4().hex[:12], "Contract", SCHEMA)
    assert other != place.project


# --- tasks ---------------------------------------------------------------------------------


def test_each_key_is_one_task_however_often_it_is_pushed(place: Place) -> None:
    backend = place.backend
    assert backend.pushed(place.name, f"{place.name}/") == {}
    first = place.push(1, 2, 1)
    assert [*first] == [task.key for task in place.tasks(1, 2, 1)][::-1]
    assert sorted(first.values()) == [*first.values()]  # in the order of rank
    assert place.push(1, 2, 1) == first
    later = place.push(1, number=2)
    assert backend.pushed(place.name, f"{place.name}/001/") == first
    assert backend.pushed(place.name, f"{place.name}/") == first | later
    assert backend.pushed("not there", "") == {}


def test_two_tasks_with_one_key_are_refused(place: Place) -> None:
    (task,) = place.tasks(1)
    with pytest.raises(DataError, match="wanted one task a key, got 2 tasks with 1 keys"):
        place.backend.push(place.project, [task, replace(task, rank=1)])
    assert place.backend.pushed(place.name, "") == {}


def test_a_guess_that_nobody_offers_is_refused(place: Place) -> None:
    (task,) = place.tasks(1)
    for label in ("zebra", CAT):
        guess = replace(task, prediction=Prediction(label, 0.6, "round-000"))
        if label != CAT:
            with pytest.raises(ServiceRefused, match=r"wanted a pre-annotation among .* 'zebra'"):
                place.backend.push(place.project, [guess], "round-000")
        else:
            assert len(place.backend.push(place.project, [guess], "round-000")) == 1
    hidden = replace(task, prediction=Prediction("zebra", 0.6, "round-000"), shown=False)
    assert len(place.backend.push(place.project, [hidden])) == 1


def test_what_is_withdrawn_stays_until_it_is_tidied_and_answers_stay(place: Place) -> None:
    backend, ids = place.backend, place.push(1, 1, 1, 1, 1)
    keys, numbers = [*ids], [*ids.values()]
    place.answer(0, numbers[0], CAT)
    place.answer(0, numbers[1])
    some = {key: ids[key] for key in keys[:4]}
    (late,) = place.desk.open_tasks(place.project, {numbers[2]: 1})
    backend.withdraw(place.project, some)
    assert backend.pushed(place.name, place.name) == ids
    place.desk.give(late, place.desk.people(1)[0], [CAT])  # who had it open
    for _ in range(2):
        backend.tidy(place.project, some)
        left = backend.pushed(place.name, place.name)
        assert [*left] == [*keys[:3], keys[4]]
    assert [a.key for a in backend.pull(place.project, some, optional=some)] == keys[:3]
    backend.tidy(place.project, {keys[0].replace("/001/", "/002/"): numbers[4]})  # another's
    assert keys[4] in backend.pushed(place.name, place.name)


def test_tasks_of_withdrawn_samples_go_with_their_answers(place: Place) -> None:
    ids = place.push(1, 1, 1)
    answered, untouched, stays = ids
    place.answer(0, ids[answered], CAT)
    place.answer(0, ids[stays], CAT)
    elsewhere = {untouched.replace(place.name, "0" * 12): ids[stays]}  # no task of that key
    for _ in range(2):
        place.backend.remove(place.project, {answered: ids[answered], untouched: 0, **elsewhere})
        assert [*place.backend.pushed(place.name, place.name)] == [stays]
        assert [given.key for given in place.answers(ids)] == [stays]


# --- answers -------------------------------------------------------------------------------


def test_answers_come_as_they_were_given(place: Place) -> None:
    ids = place.push(1, 1, 1)
    keys, (plain, skip, none) = [*ids], ids.values()
    place.answer(0, plain, OTHER)
    place.answer(1, skip)
    place.answer(0, none, reason=skip_reasons.NONE)
    first, second, third = place.answers(ids)
    people = place.desk.people(2)
    assert people == place.desk.people(2)
    assert len(set(people)) == 2
    said = [(a.task, a.key, a.labels, a.skipped, a.reason) for a in (first, second, third)]
    assert said == [
        (plain, keys[0], (OTHER,), False, ""),
        (skip, keys[1], (), True, ""),
        (none, keys[2], (), True, skip_reasons.NONE),
    ]
    assert [a.annotator for a in (first, second, third)] == [people[0], people[1], people[0]]
    assert all(a.editor == a.annotator for a in (first, second, third))
    assert {a.lead_time_s for a in (first, second, third)} == {1.5}
    assert all(a.created and a.created <= a.updated and a.raw for a in (first, second, third))
    assert place.backend.answers_to(place.project, [skip]) == [second]
    assert place.backend.answers_to(place.project, []) == []


def test_an_answer_given_twice_stands_once(place: Place) -> None:
    ids = place.push(1)
    (number,) = ids.values()
    (task,) = place.desk.open_tasks(place.project)
    for _ in range(2):
        place.desk.give(task, place.desk.people(1)[0], [CAT])
    assert [(a.task, a.labels) for a in place.answers(ids)] == [(number, (CAT,))]
    assert place.backend.progress(place.project, ids).given == 1


def test_a_task_is_done_when_so_many_different_people_answered_it(place: Place) -> None:
    ids = place.push(1, 2, 2, 1)
    one, two, skipped, none = ids.values()
    wanted = {key: people for key, people in zip(ids, (1, 2, 2, 1), strict=True) if people > 1}

    def look() -> AnnotationProgress:
        return place.backend.progress(place.project, ids, wanted)

    assert (look(), look().marks, look().done) == (AnnotationProgress(4, 0, 0), {}, False)
    place.answer(0, one, CAT)
    place.answer(0, two, CAT)
    marks = look().marks
    assert look() == AnnotationProgress(4, 1, 0, 1, given=2)
    assert set(marks) == {one, two}
    for person in (0, 1):
        place.answer(person, skipped)
    place.answer(1, two, OTHER)
    assert look() == AnnotationProgress(4, 2, 1, given=5)
    assert look().marks[one] == marks[one]
    assert look().marks[two] != marks[two]
    place.answer(0, none)
    assert look() == AnnotationProgress(4, 2, 2, given=6)
    assert look().done
    some = {key: number for key, number in ids.items() if number == one}
    assert place.backend.progress(place.project, some) == AnnotationProgress(1, 1, 0, given=1)


def test_open_tasks_say_how_many_people_they_lack(place: Place) -> None:
    ids = place.push(1, 2)
    one, two = ids.values()
    wanted = {one: 1, two: 2}
    tasks = place.desk.open_tasks(place.project, wanted)
    assert {(t.id, t.key, t.sample, t.round) for t in tasks} == {
        (number, key, key.rpartition("/")[2], 1) for key, number in ids.items()
    }
    place.answer(0, two, CAT)
    place.answer(0, one, CAT)
    (left,) = place.desk.open_tasks(place.project, wanted)
    assert (left.id, left.lacking, left.there) == (two, 1, frozenset(place.desk.people(1)))


def test_simulated_people_answer_each_task_once_and_as_different_people(place: Place) -> None:
    ids = place.push(2, 1, 3, 2)
    wanted = dict(zip(ids.values(), (2, 1, 3, 2), strict=True))
    truth = {key.rpartition("/")[2]: CAT for key in ids}

    def run(annotators: int = 3, **more: float) -> Done:
        return annotate(
            place.desk, place.project, truth, wanted=wanted, annotators=annotators,
            show=lambda text: None, **more,
        )  # fmt: skip

    with pytest.raises(DataError, match="wanted 3 different people for a task, got 2; give --ann"):
        run(2)
    assert run() == Done(8, 0, 0)
    assert run() == Done(0, 0, 0)
    by_task = {number: set() for number in wanted}  # type: dict[int, set[str]]
    for answer in place.answers(ids):
        by_task[answer.task].add(answer.annotator)
    assert {number: len(people) for number, people in by_task.items()} == wanted


def test_simulated_people_need_every_class_and_answer_nothing_before(place: Place) -> None:
    ids = place.push(1, 1)
    first, second = (key.rpartition("/")[2] for key in ids)
    with pytest.raises(DataError, match="wanted the true class of each of 2 open tasks, got none"):
        annotate(place.desk, place.project, {first: CAT}, show=print)
    with pytest.raises(DataError, match=r"wanted true classes among 'cat', .* got 'cow'"):
        annotate(place.desk, place.project, {first: CAT, second: "cow"}, show=print)
    assert place.answers(ids) == []


# --- what people do past us ----------------------------------------------------------------


@HANDED
def test_a_changed_answer_keeps_its_id_and_moves_the_mark(place: Place, hand: Hand) -> None:
    ids = place.push(1)
    (number,) = ids.values()
    place.answer(0, number, CAT)
    marks = place.backend.progress(place.project, ids).marks
    (before,) = place.answers(ids)
    hand.change(before, OTHER)
    (after,) = place.answers(ids)
    assert (after.annotation, after.annotator) == (before.annotation, before.annotator)
    assert (after.labels, after.editor) == ((OTHER,), before.annotator)
    assert after.updated > before.updated
    assert place.backend.progress(place.project, ids).marks != marks


@HANDED
def test_a_removed_answer_is_gone_and_its_task_is_asked_again(place: Place, hand: Hand) -> None:
    ids = place.push(1)
    (number,) = ids.values()
    place.answer(0, number, CAT)
    (answer,) = place.answers(ids)
    hand.remove_answer(answer)
    assert place.answers(ids) == []
    assert place.backend.progress(place.project, ids) == AnnotationProgress(1, 0, 0)
    assert [task.id for task in place.desk.open_tasks(place.project)] == [number]
    assert set(place.backend.touched(place.project, ids)) == set(ids)


@HANDED
def test_a_removed_task_is_named_unless_it_is_optional(place: Place, hand: Hand) -> None:
    ids = place.push(1, 1, 1)
    gone = [*ids][1]
    hand.remove_task(gone, ids[gone])
    said = rf"task {ids[gone]} of sample {1:016x} was deleted; run `labelcycle close --incomplete`"
    calls: list[Callable[[], object]] = [
        lambda: place.backend.progress(place.project, ids),
        lambda: place.backend.pull(place.project, ids),
        lambda: place.backend.pull(place.project, ids, optional=set(ids) - {gone}),
    ]
    for call in calls:
        with pytest.raises(ServiceRefused, match=said):
            call()
    assert place.backend.pull(place.project, ids, optional=[gone]) == []
    assert place.backend.answers_to(place.project, [ids[gone]]) == []
    assert set(place.backend.touched(place.project, ids)) == set(ids) - {gone}
    again = place.push(1, 1, 1)
    assert {key: again[key] for key in ids if key != gone} == {
        key: ids[key] for key in ids if key != gone
    }


@HANDED
def test_a_removed_project_is_told_by_every_call(place: Place, hand: Hand) -> None:
    ids, (task,) = place.push(1), place.tasks(1)
    hand.remove_project(place.project)
    backend, project = place.backend, place.project
    shown = backend.display([task])
    calls: list[Callable[[], object]] = [
        lambda: backend.push(project, [task]),
        lambda: backend.progress(project, ids),
        lambda: backend.pull(project, ids),
        lambda: backend.check_schema(project, SCHEMA),
        lambda: backend.displayed(project, ids),
        lambda: backend.restore(project, ids, shown),
        lambda: backend.withdraw(project, ids),
        lambda: backend.tidy(project, ids),
        lambda: backend.remove(project, ids),
        lambda: backend.touched(project, ids),
        lambda: backend.answers_to(project, [*ids.values()]),
        lambda: place.desk.classes(project),
        lambda: place.desk.open_tasks(project),
    ]
    for call in calls:
        with pytest.raises(ServiceRefused, match=rf"{place.project}.*cancel --abandon"):
            call()
    assert place.backend.pushed(place.name, place.name) == {}
    assert place.backend.open_project(place.name, "Contract", SCHEMA) != place.project
