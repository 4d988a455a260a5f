"""The usual way to run a sparse network: stored indices, one multiplication a cycle. For comparison only."""

from .engine import IndexMemoryEngine, emit_baseline

__all__ = ["IndexMemoryEngine", "emit_baseline"]
