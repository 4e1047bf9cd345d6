from __future__ import annotations

import asyncio
from pathlib import Path

from stream.app import log_of
from stream.backbone import LocalBackbone
from stream.checkpoints import FolderKeeper
from stream.data_folder import DataFolder


def test_the_embedded_log_has_every_topic_before_anything_starts(tmp_path: Path):
    folder = DataFolder(tmp_path)
    backbone = LocalBackbone(folder)

    async def work() -> None:
        await backbone.close()  # before it was opened
        await backbone.open({"a": 1, "b": 3})
        app = backbone.app(asyncio.get_running_loop())
        assert log_of(app).topics == {"a": 1, "b": 3}
        await backbone.close()

    asyncio.run(work())
    assert not backbone.shared
    assert backbone.full("a") == "a"
    assert isinstance(backbone.keeper, FolderKeeper)
    assert backbone.keeper.folder == folder.checkpoints
    folder.close()
