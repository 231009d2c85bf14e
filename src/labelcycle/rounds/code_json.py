"""`code.json`: the code of each stage, by digest, as an input of the stage that DVC sees."""

from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json
from labelcycle.config import Config
from labelcycle.nn import learners
from labelcycle.rounds import plug_in_options
from labelcycle.stages import code_digests
from labelcycle.stages.declaration import ENCODER, LEARNER, STAGES


def digests_of(config: Config) -> dict[str, dict[str, str]]:
    """Per stage: the digest of the modules it is made of, and the versions of its libraries.

    The modules are those that the stage's module imports, followed through labelcycle, and the
    ones that the settings choose by name (encoder, strategy, learner). An encoder that is still to
    be chosen is none.
    """
    chosen = config.plug_ins()
    modules = {key: [module] for key, module in chosen.items()}
    if learners.sees_images(config.train.learner):  # it may start from the encoder
        modules[LEARNER] += modules.get(ENCODER, [])
    digests = {}
    for stage in STAGES:
        named = (module for key in stage.plug_ins for module in modules.get(key, []))
        # run_stage hands each stage its arguments, as the declaration says
        digests[stage.name] = code_digests.code_of(
            *(stage.module, "labelcycle.core.seeding", *named),
            alone=("labelcycle.cycle.run_stage",),
            declared=repr(stage),
        )
    return digests


def refresh_code(campaign: Campaign, config: Config) -> None:
    """Bring the campaign's `code.json` up to date; untouched if nothing changed.

    The content of a file that the encoder's options name counts like code, as declared.
    """
    digests, files = digests_of(config), plug_in_options.named_files(campaign, config)
    for stage in STAGES:
        if stage.named_files:
            digests[stage.name] |= files
    text = dump_json(digests).encode()
    if not campaign.code.exists() or campaign.code.read_bytes() != text:
        write_bytes(campaign.code, text)
