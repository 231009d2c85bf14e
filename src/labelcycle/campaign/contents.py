"""Every file of a campaign: who keeps it, and what it holds."""

import re
from dataclasses import dataclass
from typing import Literal

from labelcycle.campaign import layout

Keeper = Literal["git", "DVC", "this computer"]
"""git: committed; DVC: in DVC's cache and remote; this computer: in no clone."""

_PLACES = {"NNN": r"\d{3,}", "ID": "[0-9a-f]{16}", "EXT": "[a-z0-9]{3,4}", "NAME": "[^/]+"}
"""What the words in capitals of a path stand for."""


@dataclass(frozen=True)
class Entry:
    """A kind of file.

    path : below the campaign's folder; ends with / for a folder and all that is in it
    """

    path: str
    keeper: Keeper
    meaning: str

    def holds(self, file: str) -> bool:
        """Whether a file, by its path below the campaign's folder, is of this kind."""
        pattern = re.escape(self.path)
        for place, text in _PLACES.items():
            pattern = re.sub(rf"\b{place}\b", text.replace("\\", r"\\"), pattern)
        return bool(re.fullmatch(pattern + (".*" if self.path.endswith("/") else ""), file))


ENTRIES = (
    Entry("params.yaml", "git", "The settings."),
    Entry("schema.json", "git", "Every change of the classes, and what earlier names count as."),
    Entry("dvc.yaml", "git", "The stages, as `labelcycle init` prints them."),
    Entry("dvc.lock", "git", "The digests of what each stage read and wrote, by DVC."),
    Entry("code.json", "git", "The digests of the code of each stage."),
    Entry("again.json", "git", "The skipped samples that `labelcycle ask-again` asks again."),
    Entry("campaign.json", "git", "The key that names the campaign, the same in every clone."),
    Entry("data/images/NNN/ID.EXT", "DVC", "The bytes of every usable image of a cohort."),
    Entry("data/samples/NNN.jsonl", "DVC", "A line for each image: size, origin, hold-out or not."),
    Entry("data/samples/NNN.npz", "DVC", "By what the pictures of a cohort are known again."),
    Entry("data/cohorts.json", "git", "The sources of images, and each cohort with its date."),
    Entry("data/pool.json", "git", "The cohorts that count in the round, by digest."),
    Entry("data/quarantine.jsonl", "git", "The files that cannot be used, each with the reason."),
    Entry(
        "data/withdrawn.json", "git", "The withdrawn samples, and what stands for what had them."
    ),
    Entry("data/labels/owned.jsonl", "DVC", "The labels that were imported before round 0."),
    Entry("data/labels/NNN.jsonl", "DVC", "The labels that a round made, with their votes."),
    Entry("data/labels/apart.json", "DVC", "The rounds whose labels a rollback put apart."),
    Entry("data/holdout.jsonl", "DVC", "The labels of the hold-out."),
    Entry("data/NAME.dvc", "git", "The digest by which DVC finds the file or folder."),
    Entry("data/images/NNN.dvc", "git", "The digest by which DVC finds a cohort's images."),
    Entry("work/encoder/encoder.json", "DVC", "The encoder: its name and its settings."),
    Entry("work/encoder/weights.safetensors", "DVC", "The weights of the encoder."),
    Entry("work/features/pool.npy", "DVC", "The features of the pool, one row for each sample."),
    Entry("work/features/holdout.npy", "DVC", "The features of the hold-out."),
    Entry("work/features/made.json", "DVC", "Of what, and for which cohorts, they were made."),
    Entry("work/own.npy", "DVC", "The features of the model itself, with `embed.features: model`."),
    Entry("work/clusters.npz", "DVC", "The cluster of each sample of the pool, and the centres."),
    Entry("work/selection.json", "DVC", "The samples that the strategy picked, and why."),
    Entry("work/model/model.json", "DVC", "The model: its learner, its classes and its settings."),
    Entry("work/model/model.safetensors", "DVC", "The weights of the model."),
    Entry("work/model/probabilities.npy", "DVC", "The model's class probabilities of the pool."),
    Entry("work/figures/NAME", "DVC", "The pictures of the evaluation."),
    Entry("work/metrics.json", "git", "How good the model is on the hold-out."),
    Entry("rounds/NNN/plan.json", "git", "The settings of the round, and the digests of its data."),
    Entry("rounds/NNN/selection.json", "git", "The picked samples, and why each was picked."),
    Entry("rounds/NNN/pushed.json", "git", "The tasks that people were given."),
    Entry("rounds/NNN/ending.json", "git", "How a round was ended early, and when."),
    Entry("rounds/NNN/annotations.jsonl", "git", "Every answer, as the backend gave it."),
    Entry("rounds/NNN/corrections.jsonl", "git", "What changed in the answers of closed rounds."),
    Entry("rounds/NNN/metrics.json", "git", "The figures of the round: model, people and cost."),
    Entry("rounds/decisions.jsonl", "git", "What you accepted or rejected of the corrections."),
    Entry("rounds/rollbacks.jsonl", "git", "The rounds that the campaign was rolled back to."),
    Entry(".gitignore", "git", "What git leaves out."),
    Entry("data/.gitignore", "git", "What git leaves out, as DVC keeps it."),
    Entry("data/images/.gitignore", "git", "What git leaves out, as DVC keeps it."),
    Entry("work/.gitignore", "git", "What git leaves out, as DVC keeps it."),
    Entry(".gitattributes", "git", "That git keeps every byte as it is."),
    Entry(".dvcignore", "git", "What DVC leaves out."),
    Entry(".dvc/config", "git", "DVC's settings, such as the remote."),
    Entry(".dvc/.gitignore", "git", "What git leaves out of DVC's folder."),
    Entry(".dvc/config.local", "this computer", "DVC's settings of this computer alone."),
    Entry(".dvc/cache/", "this computer", "What DVC keeps, by digest."),
    Entry(".dvc/tmp/", "this computer", "What DVC is working on."),
    Entry(layout.LOCK, "this computer", "Held by the process that is at work."),
    Entry(layout.STAGE_LOCK, "this computer", "Held by the stage that runs."),
    Entry(layout.SERVICES, "this computer", "The services that run, and their logins."),
    Entry(layout.SERVICES_LOCK, "this computer", "Held while services start or stop."),
    Entry(layout.NOTICES, "this computer", "The notices that were sent."),
    Entry(layout.LEASE, "this computer", "By what name this folder holds the campaign."),
    Entry(layout.TRUSTED, "this computer", "The places that `labelcycle trust` took."),
    Entry(layout.CHECKED_OPTIONS, "this computer", "The options that were checked last."),
    Entry(layout.CURVES, "this computer", "Where a training logs its curves."),
    Entry(layout.DEMO_MARK, "this computer", "Marks the folder of a demo."),
    Entry(f"{layout.ANSWERS}/", "this computer", "Every answer that a look has seen, by round."),
    Entry(layout.TASKS, "this computer", "The tasks of `push.backend: files`."),
    Entry(f"{layout.MEDIA}/", "this computer", "The images as people see them."),
    Entry(f"{layout.CHECKPOINTS}/", "this computer", "Where an interrupted training goes on."),
    Entry(f"{layout.PROCESSES}/", "this computer", "Where processes of a training meet."),
    Entry(f"{layout.FETCHED}/", "this computer", "Images on their way from the web or a bucket."),
    Entry(layout.SEEN, "this computer", "Which files were looked at; they are not read again."),
    Entry(
        f"{layout.UNUSUAL}/",
        "this computer",
        "How new cohorts look, with their most unusual images.",
    ),
    Entry(f"{layout.LABEL_STUDIO}/", "this computer", "Label Studio's data and log."),
    Entry(f"{layout.MLFLOW}/", "this computer", "MLflow's data and log."),
    Entry(f"{layout.PREFECT}/", "this computer", "Prefect's data and log."),
    Entry(f"{layout.PRIVATE}/rebuilt-NAME/", "this computer", "A past round, while it is rebuilt."),
    Entry(layout.READ_BACK, "this computer", "What `labelcycle check` read back, and when."),
    Entry(f"{layout.DAMAGED}/", "this computer", "Damaged files that were set aside."),
    Entry(f"{layout.DVC_INDEX}/", "this computer", "DVC's index of the cache."),
    Entry(f"{layout.PRIVATE}/inductor/", "this computer", "What torch compiled."),
    Entry(f"{layout.PRIVATE}/triton/", "this computer", "What torch compiled for a GPU."),
)
"""In the order in which a reader meets them."""


def entry(file: str) -> Entry | None:
    """The kind of a file, by its path below the campaign's folder; None if there is none."""
    return next((each for each in ENTRIES if each.holds(file)), None)
