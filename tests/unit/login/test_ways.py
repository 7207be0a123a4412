"""Which settings of who we are go together."""

import os

import pytest

from streams.errors import SettingError
from streams.kafka_settings import KafkaSettings

OAUTH = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "OAUTHBEARER"}
IAM = OAUTH | {"KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"}
SCRAM = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
USER = {"KAFKA_SASL_USERNAME": "someone", "KAFKA_SASL_PASSWORD": "hunter2-hunter2"}
ARN = {"KAFKA_SASL_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:AmazonMSK_x"}
URL = {"KAFKA_SASL_TOKEN_URL": "https://issuer.test/token"}


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        (SCRAM | {"KAFKA_SASL_USERNAME": "x"} | ARN, "KAFKA_SASL_USERNAME"),
        (SCRAM | USER | ARN, "KAFKA_SASL_SECRET_ARN"),
        (SCRAM | {"KAFKA_SASL_SECRET_ARN": "my-secret"}, "KAFKA_SASL_SECRET_ARN"),
        (SCRAM | USER | URL, "KAFKA_SASL_MECHANISM"),
        (OAUTH, "KAFKA_SASL_TOKEN_FILE"),
        (OAUTH | USER, "KAFKA_SASL_TOKEN_URL"),
        (OAUTH | URL, "KAFKA_SASL_CREDENTIALS_FILE"),
        (OAUTH | URL | {"KAFKA_SASL_TOKEN_FILE": os.devnull}, "KAFKA_SASL_TOKEN_URL"),
        (OAUTH | USER | {"KAFKA_SASL_TOKEN_URL": "http://far.test"}, "KAFKA_SASL_TOKEN_URL"),
        (IAM | USER, "KAFKA_SASL_MECHANISM"),
        (IAM | {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL"),
        (ARN, "KAFKA_SECURITY_PROTOCOL"),
    ],
)
def test_settings_that_do_not_fit_together(environ: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingError) as caught:
        KafkaSettings.from_env(environ)
    assert caught.value.name == variable
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [SCRAM | USER, SCRAM | ARN, OAUTH | URL | USER, OAUTH | URL | ARN, IAM],
)
def test_settings_that_fit_together(environ: dict[str, str]) -> None:
    assert KafkaSettings.from_env(environ).uses_sasl
