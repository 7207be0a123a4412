"""Deploys everything to AWS, and removes it: `python -m deploy.aws`. Needs the AWS CLI."""
