"""API tokens, and their file as it changes."""

import logging
from pathlib import Path

import pytest

from producers.ingest.api_tokens import ApiTokens
from streams.errors import SettingError, UnauthorizedError

FIRST, SECOND = "first-token-0123456", "second-token-012345"


def accepts(tokens: ApiTokens, token: str) -> bool:
    """Whether a request with this token is let in."""
    try:
        tokens.check(f"Bearer {token}")
    except UnauthorizedError:
        return False
    return True


def test_the_file_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# ours\n\n{FIRST}\n")
    tokens = ApiTokens(file)
    assert accepts(tokens, FIRST)
    assert not accepts(tokens, SECOND)
    file.write_text(f"{SECOND}\n")
    tokens.reread()
    assert accepts(tokens, SECOND)
    assert not accepts(tokens, FIRST)


@pytest.mark.parametrize("text", [None, "", "# none\n", "short\n", "\udcff"])
def test_a_file_that_cannot_be_used_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    file = tmp_path / "tokens"
    file.write_text(FIRST)
    tokens = ApiTokens(file)
    if text is None:
        file.unlink()
    else:
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with caplog.at_level(logging.WARNING):
        tokens.reread()
        tokens.reread()
    assert accepts(tokens, FIRST)
    assert len(caplog.messages) == 1, "told once"
    assert FIRST not in caplog.text
    with pytest.raises(SettingError, match="STREAMS_INGEST_TOKENS_FILE"):
        ApiTokens(file)
    file.write_text(SECOND)
    tokens.reread()
    assert accepts(tokens, SECOND)


@pytest.mark.parametrize("header", ["", "Bearer", f"Basic {FIRST}", FIRST, "Bearer \udcff\udcfe"])
def test_what_is_no_token(tmp_path: Path, header: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(FIRST)
    with pytest.raises(UnauthorizedError):
        ApiTokens(file).check(header)
