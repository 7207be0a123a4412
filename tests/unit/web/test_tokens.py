"""The tokens' file: what it allows, what is wrong with it, and that it is never quoted."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from streams.errors import SettingError
from streams.web.live.tokens import Grant, Tokens, digest_of

TOKEN = "canary-canary-canary"
ANNA = {"name": "anna", "keys": ["kafka", "py*"]}


def write(file: Path, content: Any) -> None:
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    os.utime(file, ns=(before + 10**9, before + 10**9))


@pytest.mark.parametrize(
    ("keys", "key", "allowed"),
    [
        (["a"], "a", True),
        (["a"], "ab", False),
        (["a*"], "ab", True),
        (["a*"], "a", True),
        (["a*"], "ba", False),
        (["a*"], "*", False),
        (["*"], "*", True),
        (["*"], "anything", True),
        ([], "a", False),
        (["**"], "*", False),
    ],
)
def test_keys_of_a_grant(keys: list[str], key: str, allowed: bool) -> None:
    assert Grant("", tuple(keys)).allows(key) is allowed


async def test_a_changed_file_is_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "tokens.json"
    write(file, {TOKEN: ANNA})
    tokens = Tokens(file)
    assert tokens.find(digest_of(TOKEN)) == Grant("anna", ("kafka", "py*"))
    assert tokens.find(digest_of(TOKEN[:-1])) is None
    assert tokens.find(digest_of("")) is None
    await tokens.refresh()
    assert "read again" not in caplog.text
    write(file, {TOKEN + "2": ANNA | {"admin": True}})
    await tokens.refresh()
    assert tokens.find(digest_of(TOKEN)) is None
    assert tokens.find(digest_of(TOKEN + "2")) == Grant("anna", ("kafka", "py*"), True)
    write(file, "{" + TOKEN)
    await tokens.refresh()
    assert tokens.find(digest_of(TOKEN + "2")), "a broken file locks nobody out, nor in"
    file.unlink()
    for _ in range(3):
        await tokens.refresh()
    assert tokens.find(digest_of(TOKEN + "2"))
    assert caplog.text.count("stay valid") == 2, "each trouble is told once"
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        "{" + TOKEN,
        [TOKEN],
        {TOKEN: {}},
        {TOKEN: {"name": "a", "keys": "b"}},
        {TOKEN: {"name": "a", "keys": [1]}},
        {TOKEN: ANNA | {"admin": "yes"}},
        {TOKEN: ANNA | {"amdin": True}},
        {TOKEN[:15]: ANNA},
        {TOKEN + " ": ANNA},
        {TOKEN + ",x": ANNA},
    ],
)
def test_a_wrong_file_is_refused_without_quoting_it(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "tokens.json"
    write(file, content)
    with pytest.raises(SettingError) as caught:
        Tokens(file)
    assert caught.value.name == "STREAMS_LIVE_TOKENS_FILE"
    assert "canary" not in str(caught.value)
