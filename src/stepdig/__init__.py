"""Digdag workflows on AWS Step Functions and Fargate, with nothing to operate."""

__version__ = "0.1.0"
