"""The campaign's project in Label Studio: found by a mark in its description, or made."""

from labelcycle.adapters.annotation.label_studio import config_difference, labeling_config
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import LabelSchema
from labelcycle.errors import ServiceDown, ServiceRefused


def open_for(api: LabelStudioApi, campaign: str, title: str, schema: LabelSchema) -> int:
    """Id of the campaign's project; made if there is none, asking for `schema` if it was ours."""
    project = find(api, campaign)
    shown = {
        "expert_instruction": labeling_config.instruction(schema),
        # It stands on the page; a window over the first image takes keys meant for it.
        "show_instruction": False,
    }
    config = labeling_config.build(schema)
    if project is not None:
        api.update_project(project, **shown, **_new_config(api, project, config))
        return project
    try:
        new_project = api.create_project(
            title=labeling_config.title(title),
            description=f"{_mark(campaign)}\n{config_difference.mark(config)}",
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
        first = find(api, campaign)  # it may have been made before the server failed
        if first is None:
            raise
        return first
    # one that was made at the same time, or by a repeated request, is the campaign's for all
    return find(api, campaign) or new_project


def find(api: LabelStudioApi, campaign: str) -> int | None:
    """The first project that carries the campaign's mark; copies of it come later."""
    mark = _mark(campaign)
    marked = (p.id for p in api.projects() if mark in p.description.splitlines())
    return next(marked, None)


def _mark(campaign: str) -> str:
    return f"labelcycle campaign {campaign}"


def _new_config(api: LabelStudioApi, project: int, config: str) -> dict[str, str]:
    """What brings a project's interface to `config`; nothing if that is not ours to change.

    It is ours as long as the description bears its mark: nobody edited it in Label Studio.
    """
    present = api.project(project)
    lines = present.description.splitlines()
    try:
        mark = config_difference.mark(present.config)
    except ServiceRefused:  # it asks for something else; `check_schema` says so
        return {}
    new = config_difference.mark(config)
    if new in lines and mark == new:
        return {}
    others = [line for line in lines if not line.startswith(config_difference.MARK)]
    description = "\n".join([*others, new])
    if mark == new:
        return {"description": description}
    return {"label_config": config, "description": description} if mark in lines else {}
