"""What resources would be called if they were there: of the form that AWS gives them."""

REGION = "eu-central-1"
ACCOUNT = "123456789012"
KAFKA = f"arn:aws:kafka:{REGION}:{ACCOUNT}"

PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}

#: By type and attribute; `Ref` is what a reference to the resource itself gives.
_FORMS = {
    ("AWS::MSK::Cluster", "Ref"): f"{KAFKA}:cluster/tally/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0-2",
    (
        "AWS::SecretsManager::Secret",
        "Ref",
    ): "arn:aws:secretsmanager:{region}:{account}:secret:{id}-AbCdEf",
    ("AWS::S3::Bucket", "Ref"): "tally-bucket-1a2b3c",
    ("AWS::SQS::Queue", "Ref"): "https://sqs.{region}.amazonaws.com/{account}/{id}",
    ("AWS::SNS::Topic", "Ref"): "arn:aws:sns:{region}:{account}:{id}",
    (
        "AWS::AppSync::GraphQLApi",
        "GraphQLUrl",
    ): "https://abc.appsync-api.{region}.amazonaws.com/graphql",
    ("AWS::AppSync::Api", "Dns.Http"): "abc.appsync-api.{region}.amazonaws.com",
    ("Custom::Brokers", "Bootstrap"): "b-1.tally.kafka.{region}.amazonaws.com:9098,"
    "b-2.tally.kafka.{region}.amazonaws.com:9098",
    ("AWS::MSK::Configuration", "LatestRevision.Revision"): "1",
    ("AWS::EC2::LaunchTemplate", "LatestVersionNumber"): "1",
}


def placeholder(type_: str, logical_id: str, attribute: str) -> str:
    """What `Ref` or an attribute of a resource gives."""
    form = _FORMS.get((type_, attribute))
    if form is None and attribute.endswith("Arn"):
        form = "arn:aws:{service}:{region}:{account}:{id}"
    service = type_.split("::")[1].lower() if type_.startswith("AWS::") else "custom"
    return (form or "{id}.{attribute}").format(
        region=REGION, account=ACCOUNT, id=logical_id, attribute=attribute, service=service
    )
