"""Community ID v1: one text for one flow, the same in every tool that sees it."""

from ingest.community_id.ids import community_ids

__all__ = ["community_ids"]
