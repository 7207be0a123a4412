"""The application that `faust -A streams.app worker` runs, configured by the environment."""

import logging

from streams.jobs.hashtags import hashtags
from streams.jobs.names import HASHTAG_COUNTS, HASHTAGS, TICKERS
from streams.jobs.tickers import tickers
from streams.settings import Settings
from streams.settings_or_exit import exit_if_wrong, settings_or_exit
from streams.sinks.appsync.agent import appsync
from streams.transport.app import StreamsApp
from streams.web.live.site import LiveSite
from streams.web.pages import add_pages
from streams.web.queries.forwarding import Forwarder
from streams.web.queries.worker_counts import WorkerCounts

JOBS = {HASHTAGS: hashtags, TICKERS: tickers}


def create_app(settings: Settings) -> StreamsApp:
    """The application with its jobs, sinks and pages. Raises StartError."""
    logging.getLogger("aiokafka").setLevel(logging.WARNING)  # it tells of every connection
    app = StreamsApp(settings)
    for job in settings.jobs:
        JOBS[job](app, settings)
    appsync(app, settings.appsync, settings.appsync_topics)
    add_pages(app)
    if settings.live.enabled:
        # Without the job, questions about hashtags are answered as by a gateway of its own.
        counts = (
            WorkerCounts(app, HASHTAG_COUNTS, Forwarder()) if HASHTAGS in settings.jobs else None
        )
        app.web_parts.append(LiveSite(settings, counts).add_to)
    return app


with exit_if_wrong():
    app = create_app(settings_or_exit())
