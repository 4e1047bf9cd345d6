"""Bounded per-entity features of flow reports and events: one fused kernel and the state it walks over."""
