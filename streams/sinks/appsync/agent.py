"""The sink agent: results of output topics go to AppSync."""

from streams.sinks.appsync.auth import ApiKey, Auth
from streams.sinks.appsync.client import Client
from streams.sinks.appsync.events import EventsFormat
from streams.sinks.appsync.formats import Format
from streams.sinks.appsync.graphql import OpaqueFormat
from streams.sinks.appsync.publisher import Publisher
from streams.sinks.appsync.typed import TypedFormat
from streams.sinks.settings import AppSyncSettings
from streams.sinks.trouble import Trouble
from streams.tasks.results import Results
from streams.transport.app import StreamsApp

NAME = "appsync"


def appsync(app: StreamsApp, settings: AppSyncSettings, topics: tuple[str, ...]) -> None:
    """Add the sink to `app`, if there is an API to deliver to.

    Raises StartError if what the settings ask for isn't installed or known.
    """
    if settings.url is None:
        return
    client = Client(settings, _format(settings), _auth(settings, settings.url))
    trouble = Trouble("AppSync")
    app.when_stopped(client.close)

    async def publish(results: Results) -> None:
        """Deliver one partition's results."""
        publisher = Publisher(
            NAME, client, trouble, settings.concurrency, settings.retry_max_ms / 1000
        )
        await publisher.run(results)

    for topic in topics:
        app.sink_agent(topic, name=NAME)(publish)


def _format(settings: AppSyncSettings) -> Format:
    if settings.mode == "typed":
        return TypedFormat(settings.batch)
    if settings.mode == "events":
        return EventsFormat(settings.channel_template, settings.batch)
    return OpaqueFormat(settings.channel_template, settings.batch)


def _auth(settings: AppSyncSettings, url: str) -> Auth:
    if settings.api_key is not None:
        return ApiKey(settings.api_key)
    # Only here, for it needs an extra.
    from streams.sinks.appsync import aws

    if settings.api_key_secret_arn is not None:
        return aws.stored_api_key(settings.api_key_secret_arn)
    return aws.Iam(url)
