"""The tensor engine's hardware."""
