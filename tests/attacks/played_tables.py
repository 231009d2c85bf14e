"""What a file's name or a class could do to whoever opens an exported table."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from attacks import Try, attack
from labelcycle.campaign import label_csv, label_files, sample_files
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample

FORMULAS = (
    '=HYPERLINK("http://example.org/","open")',
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
)


@attack("an exported table runs a formula in a spreadsheet")
def formulas(folder: Path) -> Iterator[Try]:
    campaign = Campaign(folder)
    write_migrations(campaign, ())
    keys = [f"{place:016x}" for place in range(len(FORMULAS))]
    samples = [
        Sample(key, f"{key}.png", text, "pool", 4, 4)
        for key, text in zip(keys, FORMULAS, strict=True)
    ]
    sample_files.write_samples(campaign.samples, samples)
    labels = [Label(key, text, source="owned") for key, text in zip(keys, FORMULAS, strict=True)]
    label_files.write_labels(campaign.label_file(OWNED), labels)
    made = label_csv.export(campaign)
    text = made if isinstance(made, str) else made.text
    for row in csv.DictReader(io.StringIO(text, newline="")):
        for column in ("source", "label"):
            cell = (row[column] or "").lstrip("\t\r\n ")
            runs = cell.startswith(("=", "+", "-", "@"))
            yield Try(f"the {column} {row[column]!r}", runs)
