"""What is done with a design: simulate, synthesise, load, run, patch and report it."""

from hdlgen import submodules

__getattr__ = submodules(__name__)
