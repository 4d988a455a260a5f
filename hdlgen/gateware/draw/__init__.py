"""The hardware of draws."""
