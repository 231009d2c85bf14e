"""What `labelcycle status` says."""

from typing import Any

from labelcycle import config
from labelcycle.adapters import annotation, git
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.campaign import round_states
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import OWNED, read_samples
from labelcycle.cycle import round_closing
from labelcycle.errors import ServiceDown, ServiceRefused, SettingsError, StateError
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import (
    altered_tasks,
    changed_answers,
    corrected_labels,
    correction_decisions,
    pushed_tasks,
    skipped_samples,
)
from labelcycle.rounds.snapshots import Snapshot, check_classes

PEOPLE = (
    "alpha", "seconds_per_label", "adjudicate", "gold", "method", "no_class", "skips", "answers",
)  # fmt: skip
"""What of a closed round's figures of its people is shown."""


def status(snapshot: Snapshot) -> dict[str, Any]:
    """The campaign as plain values: rounds with state, labels and accuracy, and what is next."""
    done = [_closed(snapshot, number) for number in snapshot.closed]
    at_work = [] if snapshot.state is State.DUE else [_at_work(snapshot)]
    return {
        "campaign": snapshot.config.campaign.name,
        **_counts(snapshot),
        "missing_class": snapshot.config.notify.missing_class,
        "rounds": [*done, *at_work],
        "params_wait": _params_wait(snapshot),
        "waiting": corrected_labels.waiting(correction_decisions.undecided(snapshot)),
        "mlflow": tracking_uri.of_campaign(snapshot.campaign),
        "next": _next(snapshot),
    }


def _params_wait(snapshot: Snapshot) -> bool:
    """True if params.yaml differs from what the last round opened with."""
    begun = snapshot.number > 0 or snapshot.state is not State.DUE
    return begun and git.changed(snapshot.campaign.root, "params.yaml")


def _counts(snapshot: Snapshot) -> dict[str, Any]:
    campaign = snapshot.campaign
    if not campaign.samples.exists():
        return {"pool": 0, "holdout": 0, "labels": 0, "bought": 0, "again": 0}
    samples = read_samples(campaign.samples)
    labels = read_all_labels(campaign).values()
    holdout = read_holdout(campaign)
    return {
        "pool": sum(s.split == "pool" for s in samples),
        "holdout": sum(s.split == "holdout" for s in samples),
        "labels": sum(x.label is not None for x in labels),
        "again": len(skipped_samples.waiting(campaign)),
        "bought": sum(x.source != OWNED for x in labels) + len(holdout),
    }


def _closed(snapshot: Snapshot, number: int) -> dict[str, Any]:
    metrics = snapshot.record(round_states.METRICS, number)
    accuracy = metrics["accuracy"] or {}
    return {
        "round": number,
        "state": "cancelled" if metrics["cancelled"] else str(State.CLOSED),
        "strategy": metrics["strategy"],
        "stood_in": _stood_in(snapshot, number),
        "labels": metrics["labels"],
        "accuracy": accuracy.get("value"),
        "accuracy_low": accuracy.get("low"),
        "accuracy_high": accuracy.get("high"),
        "people": {name: metrics.get("people", {}).get(name) for name in PEOPLE},
        "preannotation": metrics.get("preannotation", {}).get("campaign"),
        "corrections": metrics.get("corrections"),
    }


def _at_work(snapshot: Snapshot) -> dict[str, Any]:
    plan = snapshot.record(round_states.PLAN)
    entry = {
        "round": snapshot.number,
        "state": str(snapshot.state),
        "strategy": plan["strategy"],
        "stood_in": _stood_in(snapshot, snapshot.number),
        "labels": plan["labels"],
        "accuracy": None,
        "accuracy_low": None,
        "accuracy_high": None,
        "budget": plan["budget"],
    }
    if snapshot.state is State.OPEN:
        entry |= {"url": snapshot.record(round_states.PUSHED)["url"], **_progress(snapshot)}
    return entry


def _stood_in(snapshot: Snapshot, number: int) -> str | None:
    """Who picked in place of the strategy, before a model had anything to say."""
    if not (snapshot.campaign.round(number) / round_states.SELECTION).exists():
        return None
    name: str | None = snapshot.record(round_states.SELECTION, number).get("stood_in")
    return name


def _progress(snapshot: Snapshot) -> dict[str, Any]:
    try:
        done = round_closing.progress(snapshot, pushed_tasks.backend(snapshot))
    except (ServiceDown, ServiceRefused) as error:
        return {"tasks": None, "answered": None, "skipped": None, "problem": str(error)}
    waits = corrected_labels.waiting(changed_answers.seen(snapshot))
    return {**done.figures, "altered": altered_tasks.told(snapshot), "waiting": waits}


def _next(snapshot: Snapshot) -> str:
    if not snapshot.config.campaign.classes:
        return "write the class names into params.yaml"
    if git.changed(snapshot.campaign.root, "params.yaml"):
        try:
            config.load(snapshot.campaign.params)
            check_classes(snapshot)
        except (SettingsError, StateError) as error:
            return f"mend {error}"
    if not snapshot.campaign.samples.exists():
        return "`labelcycle ingest PATH...`"
    if snapshot.state is State.OPEN:
        backend, _ = pushed_tasks.place(snapshot, snapshot.number)
        return f"{annotation.next_step(backend)}; {round_states.NEXT[snapshot.state]}"
    if snapshot.state is not State.DUE:
        return round_states.NEXT[snapshot.state]
    if snapshot.finished >= snapshot.config.campaign.rounds:
        return "nothing: all rounds of campaign.rounds are closed"
    opens = snapshot.number == 0 or snapshot.config.campaign.open_next
    return "`labelcycle run`" if opens else "`labelcycle open`"


def as_text(status: dict[str, Any]) -> str:
    """The status for people."""
    lines = [
        f"{status['campaign']}: {status['pool']} samples in the pool, {status['holdout']} in the"
        f" hold-out; {status['labels']} labels to train on, {status['bought']} samples answered"
        " (hold-out and skips included)",
        *_people(status["rounds"], status["missing_class"]),
        *_again(status["again"]),
        *_preannotation(status["rounds"]),
        *_corrections(status),
    ]
    names = [_strategy(entry) for entry in status["rounds"]]
    width = max([12, *map(len, names)])
    if names:
        lines += ["", f"{'round':>5}  {'state':<10} {'strategy':<{width}} {'labels':>6}  accuracy"]
    for name, entry in zip(names, status["rounds"], strict=True):
        lines.append(
            f"{entry['round']:>5}  {entry['state']:<10} {name:<{width}}"
            f" {entry['labels']:>6}  {_accuracy(entry)}"
        )
    if names and status["mlflow"]:
        lines += ["", f"curves: {status['mlflow']}"]
    if status["params_wait"]:
        lines += ["", "params.yaml was changed: the next open commits it and works by it"]
    return "\n".join([*lines, "", f"next: {status['next']}"])


def _people(entries: list[dict[str, Any]], share: float = 1.0) -> list[str]:
    """A line on the people of the last closed round; none where nothing is known."""
    said = [entry["people"] for entry in entries if "people" in entry]
    if not said:
        return []
    alpha, seconds, adjudicate, found, method, unknown = (said[-1][name] for name in PEOPLE[:6])
    lacking = (method or {}).get("instead")
    parts = [
        f"agreement {alpha:.2f} (Krippendorff's alpha)" if alpha is not None else "",
        f"{seconds:.1f} s a label in the last round" if seconds is not None else "",
        f"{adjudicate} samples await adjudication" if adjudicate else "",
        f"majority, not yet Dawid-Skene ({lacking})" if lacking else "",
    ]
    text = ", ".join(part for part in parts if part)
    lines = [f"people: {text}"] if text else []
    lines += [f"{text} (last round)"] if (text := unknown_classes.told(unknown)) else []
    lines += [f"{text} (last round)" for text in skipped_samples.told(said[-1], share)]
    return [*lines, *gold.told(found or gold.NONE)]


def _again(count: int) -> list[str]:
    """A line on skipped samples that the next rounds ask again; none if there are none."""
    return [f"asked again from the next open on: {count} skipped samples"] if count else []


def _preannotation(entries: list[dict[str, Any]]) -> list[str]:
    """A line on what showing the model's class does; none before anybody saw one."""
    said = [entry["preannotation"] for entry in entries if entry.get("preannotation")]
    if not said or said[-1]["override_rate"] is None:
        return []
    rate, bias = said[-1]["override_rate"], said[-1]["bias"]
    text = f"pre-annotations: {rate['value']:.0%} of {said[-1]['shown']} overridden"
    if bias:
        low, high = (f"{100 * bias[end]:+.0f}" for end in ("low", "high"))
        text += (
            f"; people who see one agree with it {100 * abs(bias['value']):.0f} points"
            f" {'more' if bias['value'] >= 0 else 'less'} often than people who do not"
            f" ({low} to {high}, {said[-1]['blind']} samples without)"
        )
    return [text]


def _corrections(status: dict[str, Any]) -> list[str]:
    """Lines on what the last closed round found changed, on altered tasks and what waits."""
    entries = status["rounds"]
    said = [entry["corrections"] for entry in entries if "corrections" in entry]
    text = corrected_labels.told(said[-1]) if said else ""
    open_ = [change for entry in entries for change in entry.get("waiting", ())]
    waits = corrected_labels.waiting_told([*status["waiting"], *open_])
    shown = [entry["altered"] for entry in entries if entry.get("altered")]
    found = [f"{text} (found at the last close)"] if text else []
    return [*found, *shown, *([waits] if waits else [])]


def _strategy(entry: dict[str, Any]) -> str:
    stood_in = entry["stood_in"]
    return f"{entry['strategy']} ({stood_in} stood in)" if stood_in else str(entry["strategy"])


def _accuracy(entry: dict[str, Any]) -> str:
    if entry["accuracy"] is not None:
        low, high = entry["accuracy_low"], entry["accuracy_high"]
        return f"{entry['accuracy']:.3f} ({low:.3f} to {high:.3f})"
    if "problem" in entry:
        return f"- ({entry['problem']})"
    if entry.get("tasks") is not None:
        done = entry["answered"] + entry["skipped"]
        return f"- ({done} of {entry['tasks']} tasks done at {entry['url']})"
    return "-"
