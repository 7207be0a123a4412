"""Whether a resource is really there: asked of its own service, for stacks say so in any case.

A look raises, or comes to nothing, if there is no such thing.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from tests.cloud.emulator import Emulator

Look = Callable[[Any, str], Any]


def _ec2(method: str, option: str, found: str) -> tuple[str, Look]:
    return "ec2", lambda ec2, id_: getattr(ec2, method)(**{option: [id_]})[found]


def _route(ec2: Any, id_: str) -> bool:
    table, _, destination = id_.partition("|")
    (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return destination in [route.get("DestinationCidrBlock") for route in found["Routes"]]


def _association(ec2: Any, id_: str) -> bool:
    tables = ec2.describe_route_tables()["RouteTables"]
    return id_ in [a["RouteTableAssociationId"] for t in tables for a in t["Associations"]]


def _attached(ec2: Any, _id: str) -> Any:
    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    return [attachment for gateway in gateways for attachment in gateway["Attachments"]]


def _inline(iam: Any, id_: str) -> bool:
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    names = [iam.list_role_policies(RoleName=role)["PolicyNames"] for role in roles]
    # The logical id is made of the policy's name, and its physical one of that.
    return any(name in id_.lower() for group in names for name in group)


def _profile(iam: Any, id_: str) -> Any:
    return iam.get_instance_profile(InstanceProfileName=id_.rpartition("/")[2])


def _permission(functions: Any, id_: str) -> bool:
    names = [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    found = []
    for name in names:
        with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
            policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
            found += [statement["Sid"] for statement in policy["Statement"]]
    return id_ in found


def _stream(logs: Any, id_: str) -> bool:
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    streams = [logs.describe_log_streams(logGroupName=group)["logStreams"] for group in groups]
    return id_ in [stream["logStreamName"] for group in streams for stream in group]


def _record(route53: Any, id_: str) -> bool:
    zones = [zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]]
    names = [
        record["Name"].rstrip(".")
        for zone in zones
        for record in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    ]
    return id_.rstrip(".") in names


def _service(ecs: Any, arn: str) -> Any:
    return ecs.describe_services(cluster=arn.split("/")[-2], services=[arn])["services"]


def _resolver(appsync: Any, id_: str) -> Any:
    api, type_, field = id_.split("/")
    return appsync.get_resolver(apiId=api, typeName=type_, fieldName=field)


def _data_source(appsync: Any, id_: str) -> Any:
    api, name = id_.split("/")
    return appsync.get_data_source(apiId=api, name=name)


def _schema(appsync: Any, id_: str) -> Any:
    # What is served is what was uploaded.
    return appsync.get_introspection_schema(apiId=id_.split("/")[0], format="SDL")["schema"].read()


def _api_key(appsync: Any, id_: str) -> bool:
    apis = [api["apiId"] for api in appsync.list_graphql_apis()["graphqlApis"]]
    return id_ in [k["id"] for api in apis for k in appsync.list_api_keys(apiId=api)["apiKeys"]]


LOOKS: dict[str, tuple[str, Look]] = {
    "AWS::AppSync::ApiKey": ("appsync", _api_key),
    "AWS::AppSync::DataSource": ("appsync", _data_source),
    "AWS::AppSync::GraphQLApi": ("appsync", lambda c, i: c.get_graphql_api(apiId=i)),
    "AWS::AppSync::GraphQLSchema": ("appsync", _schema),
    "AWS::AppSync::Resolver": ("appsync", _resolver),
    "AWS::CertificateManager::Certificate": (
        "acm",
        lambda c, i: c.describe_certificate(CertificateArn=i),
    ),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch",
        lambda c, i: c.describe_alarms(AlarmNames=[i])["MetricAlarms"],
    ),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", lambda c, i: c.get_dashboard(DashboardName=i)),
    "AWS::DynamoDB::Table": ("dynamodb", lambda c, i: c.describe_table(TableName=i)),
    "AWS::EC2::InternetGateway": _ec2(
        "describe_internet_gateways", "InternetGatewayIds", "InternetGateways"
    ),
    "AWS::EC2::LaunchTemplate": _ec2(
        "describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates"
    ),
    "AWS::EC2::Route": ("ec2", _route),
    "AWS::EC2::RouteTable": _ec2("describe_route_tables", "RouteTableIds", "RouteTables"),
    "AWS::EC2::SecurityGroup": _ec2("describe_security_groups", "GroupIds", "SecurityGroups"),
    "AWS::EC2::Subnet": _ec2("describe_subnets", "SubnetIds", "Subnets"),
    "AWS::EC2::SubnetRouteTableAssociation": ("ec2", _association),
    "AWS::EC2::VPC": _ec2("describe_vpcs", "VpcIds", "Vpcs"),
    "AWS::EC2::VPCEndpoint": _ec2("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints"),
    "AWS::EC2::VPCGatewayAttachment": ("ec2", _attached),
    "AWS::ECR::Repository": (
        "ecr",
        lambda c, i: c.describe_repositories(repositoryNames=[i])["repositories"],
    ),
    "AWS::ECS::Cluster": ("ecs", lambda c, i: c.describe_clusters(clusters=[i])["clusters"]),
    "AWS::ECS::Service": ("ecs", _service),
    "AWS::ECS::TaskDefinition": (
        "ecs",
        lambda c, i: c.describe_task_definition(taskDefinition=i),
    ),
    "AWS::EFS::AccessPoint": (
        "efs",
        lambda c, i: c.describe_access_points(AccessPointId=i)["AccessPoints"],
    ),
    "AWS::EFS::FileSystem": (
        "efs",
        lambda c, i: c.describe_file_systems(FileSystemId=i)["FileSystems"],
    ),
    "AWS::EFS::MountTarget": (
        "efs",
        lambda c, i: c.describe_mount_targets(MountTargetId=i)["MountTargets"],
    ),
    "AWS::ElasticLoadBalancingV2::Listener": (
        "elbv2",
        lambda c, i: c.describe_listeners(ListenerArns=[i])["Listeners"],
    ),
    "AWS::ElasticLoadBalancingV2::ListenerRule": (
        "elbv2",
        lambda c, i: c.describe_rules(RuleArns=[i])["Rules"],
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "elbv2",
        lambda c, i: c.describe_load_balancers(LoadBalancerArns=[i])["LoadBalancers"],
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "elbv2",
        lambda c, i: c.describe_target_groups(TargetGroupArns=[i])["TargetGroups"],
    ),
    "AWS::Events::Rule": ("events", lambda c, i: c.describe_rule(Name=i)),
    "AWS::IAM::InstanceProfile": ("iam", _profile),
    "AWS::IAM::ManagedPolicy": ("iam", lambda c, i: c.get_policy(PolicyArn=i)),
    "AWS::IAM::Policy": ("iam", _inline),
    "AWS::IAM::Role": ("iam", lambda c, i: c.get_role(RoleName=i)),
    "AWS::KMS::Key": ("kms", lambda c, i: c.describe_key(KeyId=i)),
    "AWS::KinesisFirehose::DeliveryStream": (
        "firehose",
        lambda c, i: c.describe_delivery_stream(DeliveryStreamName=i),
    ),
    "AWS::Lambda::EventSourceMapping": (
        "lambda",
        lambda c, i: c.get_event_source_mapping(UUID=i),
    ),
    "AWS::Lambda::Function": ("lambda", lambda c, i: c.get_function(FunctionName=i)),
    "AWS::Lambda::Permission": ("lambda", _permission),
    "AWS::Logs::LogGroup": (
        "logs",
        lambda c, i: c.describe_log_groups(logGroupNamePrefix=i)["logGroups"],
    ),
    "AWS::Logs::LogStream": ("logs", _stream),
    "AWS::Route53::RecordSet": ("route53", _record),
    "AWS::S3::Bucket": ("s3", lambda c, i: c.head_bucket(Bucket=i)),
    "AWS::S3::BucketPolicy": (
        "s3",
        lambda c, i: c.get_bucket_policy(Bucket=i.removesuffix("-policy")),
    ),
    "AWS::SNS::Subscription": (
        "sns",
        lambda c, i: c.get_subscription_attributes(SubscriptionArn=i),
    ),
    "AWS::SNS::Topic": ("sns", lambda c, i: c.get_topic_attributes(TopicArn=i)),
    "AWS::SQS::Queue": ("sqs", lambda c, i: c.get_queue_attributes(QueueUrl=i)),
    "AWS::SecretsManager::Secret": (
        "secretsmanager",
        lambda c, i: c.describe_secret(SecretId=i),
    ),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": (
        "servicediscovery",
        lambda c, i: c.get_namespace(Id=i),
    ),
    "AWS::ServiceDiscovery::Service": ("servicediscovery", lambda c, i: c.get_service(Id=i)),
}


def is_there(emulator: Emulator, type_: str, physical_id: str) -> bool:
    """Whether its service knows it; raises the service's error if not."""
    service, look = LOOKS[type_]
    return bool(look(emulator.client(service), physical_id))
