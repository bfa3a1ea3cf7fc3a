"""Processor `redaction`: removes attributes that are not allowed and masks what must not leave."""

from processors.redaction.processor import FACTORY

__all__ = ["FACTORY"]
