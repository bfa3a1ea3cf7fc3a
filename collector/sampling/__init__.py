"""Sampling by trace: what the samplers that look at whole traces share."""
