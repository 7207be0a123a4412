"""Taking a Dockerfile apart, for where it can't be built the usual way."""

from tests.container.image import CONTEXT, DOCKERFILE
from tests.container.steps import Step, context_files, steps, substituted


def test_instructions_go_over_several_lines_and_have_comments() -> None:
    text = '# no\nFROM a AS b\nRUN one \\\n # why\n && two\n\nCMD ["x"]\n'
    assert steps(text) == [
        Step("FROM", "a AS b"),
        Step("RUN", "one   && two"),
        Step("CMD", '["x"]'),
    ]
    assert substituted("${A}-$B$C", {"A": "1", "B": "2"}) == "1-2"


def test_all_instructions_of_ours_are_known() -> None:
    known = {"ARG", "FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "VOLUME", "EXPOSE"}
    known |= {"STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert {step.name for step in steps(DOCKERFILE.read_text(encoding="utf-8"))} == known


def test_the_context_holds_what_is_built_and_no_more() -> None:
    ignore = (CONTEXT / ".dockerignore").read_text(encoding="utf-8")
    found = {str(path) for path in context_files(CONTEXT, ignore)}
    assert {"setup.cfg", "streams/cli.py", "streams/compiled.pyx", "README.md"} <= found
    assert {"deploy/__init__.py", "deploy/image/requirements.lock"} <= found
    strange = [
        name
        for name in found
        if name.endswith((".so", ".pyc", ".c")) or name.startswith(("tests/", ".git"))
    ]
    assert not strange
