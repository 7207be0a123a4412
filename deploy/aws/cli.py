"""`python -m deploy.aws deploy NAME Workers=3 ...`, and `remove NAME`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.aws import buckets, images, parameters, stacks
from deploy.aws.tools import DeployError, argument_file, aws

#: Secrets that only people know, by the outputs of base.yaml that name them.
SECRETS = {
    "bearer-token": "BearerToken",
    "live-tokens": "LiveTokens",
    "ingest-tokens": "IngestTokens",
}
#: Its buckets; logs come last, for emptying the others is logged.
BUCKETS = ("Archive", "Artifacts", "Logs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 1 with one line on stderr if it fails."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except DeployError as exc:
        print(f"deploy: {exc}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.aws", description="See deploy/README.md."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    deploy = commands.add_parser("deploy", help="deploy all, or change what is there")
    deploy.add_argument("name", help="the deployment's name; stacks are called by it")
    deploy.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="as in main.yaml")
    deploy.add_argument("--parameters-file", type=Path, help="JSON of the same")
    deploy.add_argument(
        "--keep-images", action="store_true", help="run those of the last time, and build none"
    )
    deploy.set_defaults(run=_deploy)

    secret = commands.add_parser("secret", help="put standard input into a secret")
    secret.add_argument("name")
    secret.add_argument("secret", choices=SECRETS)
    secret.set_defaults(run=_secret)

    remove = commands.add_parser("remove", help="remove all that costs by the hour")
    remove.add_argument("name")
    remove.add_argument(
        "--everything", action="store_true", help="the archive, images, logs and the key, too"
    )
    remove.set_defaults(run=_remove)
    return parser


def _deploy(args: argparse.Namespace) -> None:
    given = _given(args)
    parameters.check(given, stacks.MAIN)
    base = stacks.deploy_base(args.name)
    if not args.keep_images:
        given = images.push_images(base) | given
    stacks.deploy_main(args.name, base, given)
    for name, value in stacks.outputs(args.name).items():
        print(f"{name:16}  {value}")


def _given(args: argparse.Namespace) -> dict[str, str]:
    given: dict[str, str] = {}
    if args.parameters_file:
        given |= json.loads(args.parameters_file.read_text(encoding="utf-8"))
    for item in args.parameters:
        name, equals, value = item.partition("=")
        if not equals:
            raise DeployError(f"{item!r} isn't NAME=VALUE")
        given[name] = value
    return given


def _secret(args: argparse.Namespace) -> None:
    base = stacks.deploy_base(args.name)
    text = sys.stdin.read().strip()
    if not text:
        raise DeployError("there is nothing on standard input")
    arn = base[SECRETS[args.secret]]
    with argument_file(text) as value:
        where = ["--secret-id", arn, "--secret-string", value]
        aws("secretsmanager", "put-secret-value", *where)


def _remove(args: argparse.Namespace) -> None:
    base = stacks.base_name(args.name)
    stacks.delete(args.name)
    if not args.everything:
        print(f"{base} is kept, with the archive; --everything removes that, too")
        return
    known = stacks.outputs(base)
    for bucket in (known[name] for name in BUCKETS if name in known):
        buckets.empty(bucket)
    stacks.delete(base)
