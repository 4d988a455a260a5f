"""The hardware of spotters."""
