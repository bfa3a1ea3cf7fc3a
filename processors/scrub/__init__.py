"""Processor `scrub`: finds personal data and secrets by what they look like, and masks, hashes or drops them."""

from processors.scrub.processor import FACTORY

__all__ = ["FACTORY"]
