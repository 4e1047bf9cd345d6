"""Settings of models."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[models]`: which learned models judge flows while they stream, and when they are too old."""

    flow: Annotated[
        str,
        Meta(description="Model file that judges single flows; `active` for the one in use; empty for none."),
    ] = ""
    host: Annotated[
        str, Meta(description="Model file that judges what hosts do in a minute; as for `flow`.")
    ] = ""
    online: Annotated[
        bool,
        Meta(description="Whether what hosts do in a minute is judged by a model that learns as it goes."),
    ] = False
    stale_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days after which a model in use is called stale.")
    ] = 90

    @property
    def any(self) -> bool:
        """Whether a model judges the stream."""
        return bool(self.flow or self.host or self.online)
