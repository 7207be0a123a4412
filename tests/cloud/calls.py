"""Which operations of AWS a file of our code asks for, and the actions that IAM calls them."""

import ast
import functools
from pathlib import Path

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).parents[2]

#: Operations that IAM knows by the name of another one.
_OTHER_NAMES = {
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def actions(file: str, service: str) -> set[str]:
    """What has to be allowed for a file's calls of a service, as botocore names that."""
    known = _operations(service)
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    # Clients' methods, and the names of operations that are called by name.
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    found = {f"{service}:{known[name]}" for name in names & known.keys()}
    assert found, f"{file} calls nothing of {service}"
    return {_OTHER_NAMES.get(action, action) for action in found}


@functools.cache
def _operations(service: str) -> dict[str, str]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}
