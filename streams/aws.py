"""Sessions of botocore, which comes with the extra `aws`.

They find credentials, region and endpoints as all AWS clients do.
"""

import logging
import os
from typing import Any

import botocore.session


def new_session() -> Any:
    """A session that has looked at nothing yet."""
    # When it debugs, it logs what it signs, session tokens included.
    logging.getLogger("botocore").setLevel(logging.INFO)
    session = botocore.session.get_session()
    # Fargate sets AWS_REGION, which botocore doesn't look at.
    if region := os.environ.get("AWS_REGION"):
        session.set_config_variable("region", region)
    return session
