"""The application that `faust -A streams.app worker` runs, configured by the environment."""

import logging
import os

from streams.errors import SettingError
from streams.jobs.hashtags import hashtags
from streams.settings import Settings
from streams.transport.app import StreamsApp
from streams.web.pages import add_pages


def create_app(settings: Settings) -> StreamsApp:
    """The application with all its jobs and pages."""
    logging.getLogger("aiokafka").setLevel(logging.WARNING)  # it tells of every connection
    app = StreamsApp(settings)
    hashtags(app, settings)
    add_pages(app)
    return app


def _settings() -> Settings:
    """The environment's settings; a wrong one ends the process with its name, not a traceback."""
    try:
        return Settings.from_env(os.environ)
    except SettingError as exc:
        raise SystemExit(f"tally: {exc}") from None


app = create_app(_settings())
