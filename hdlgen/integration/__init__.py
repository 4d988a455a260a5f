"""Designs within the tools of others. Each module needs its tool, and is imported by who has it."""
