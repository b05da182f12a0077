"""Digdag workflows on AWS Step Functions and Fargate, with nothing to operate."""

__version__ = "0.1.0"
DOCUMENTATION = "https://github.com/stepdig/stepdig/tree/main/docs"  # for who has the wheel, which holds no docs/
