"""How serving the flows ends; no server."""

import asyncio
from pathlib import Path

import prefect
import pytest
from prefect.runner import Runner

from flows import deploy


def test_the_end_by_sigterm_prints_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    async def ended() -> None:
        Runner(name="tiny").handle_sigterm()

    def serve(*deployments: object, limit: int) -> None:
        assert len(deployments) == 3
        asyncio.run(ended())

    monkeypatch.setattr(prefect, "serve", serve)
    with pytest.raises(SystemExit, match="0"):
        deploy._serve(tmp_path, "tiny", 300)
    assert not [w for w in recwarn if "astop" in str(w.message)]
