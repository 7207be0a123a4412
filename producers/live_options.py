"""The options of the live streams of posts, and the sources they choose."""

import argparse
import os
from pathlib import Path

from producers.budget import Budget
from producers.place import Place
from producers.sources.bluesky import URL, BlueskyPosts
from producers.sources.mastodon import TOKEN, MastodonPosts
from producers.sources.tweets import LiveTweets, bearer_token
from producers.typed import positive, server_url, socket_url
from streams.setting_kinds import Secret

SPENT = Path(".tally/tweets-spent.json")


def add_tweets(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tweets`."""
    add = parser.add_argument
    add(
        "--rule",
        action="append",
        default=[],
        help="add this rule; none: a sample of all tweets, for enterprise plans",
    )
    add(
        "--max-per-day",
        type=positive,
        metavar="N",
        help="take no more tweets a day (UTC), for each is paid for (no limit)",
    )
    add("--max-per-month", type=positive, metavar="N", help="the same for a month (no limit)")
    add(
        "--spent",
        type=Path,
        default=SPENT,
        metavar="FILE",
        help=f"where to keep what was taken against these limits ({SPENT})",
    )
    parser.set_defaults(source=_tweets)


def add_bluesky(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bluesky`."""
    add = parser.add_argument
    add("--url", type=socket_url, default=URL, help=f"another Jetstream ({URL})")
    add(
        "--place",
        type=Path,
        metavar="FILE",
        help="keep there where the next run goes on (begin with what is posted now)",
    )
    parser.set_defaults(source=_bluesky)


def add_mastodon(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mastodon`."""
    add = parser.add_argument
    add("server", type=server_url, help=f"https://...; many servers need {TOKEN}")
    add("--tag", help="only posts with this hashtag")
    parser.set_defaults(source=_mastodon)


def _tweets(options: argparse.Namespace) -> LiveTweets:
    token = bearer_token(os.environ)
    limits = (options.max_per_day, options.max_per_month)
    budget = None if limits == (None, None) else Budget(options.spent, *limits)
    return LiveTweets(token, options.rule, budget=budget)


def _bluesky(options: argparse.Namespace) -> BlueskyPosts:
    return BlueskyPosts(options.url, Place(options.place) if options.place else None)


def _mastodon(options: argparse.Namespace) -> MastodonPosts:
    token = os.environ.get(TOKEN, "").strip()
    tag = options.tag.removeprefix("#") if options.tag else None
    return MastodonPosts(options.server, Secret(token) if token else None, tag)
