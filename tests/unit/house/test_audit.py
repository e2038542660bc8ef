"""An audit fails for findings, and never for want of an answer.

The outputs are pip-audit 2.10's own, the findings' and the clean one's from a small database
of ours; paths and tracebacks are shortened.
"""

import sys

import pytest

from pixmesh.tests import check
from pixmesh.tests.support import audit
from pixmesh.tests.support.audit import Ended, Verdict, first_pin, verdict

FOUND = (
    '{"dependencies": [{"name": "idna", "version": "3.20", "vulns": []}, {"name": "jinja2",'
    ' "version": "2.8", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.8.1"], "aliases":'
    ' ["CVE-2016-10745"], "description": "sandbox escape"}]}], "fixes": []}\n'
)
CLEAN = '{"dependencies": [{"name": "idna", "version": "3.20", "vulns": []}], "fixes": []}\n'
NOT_FOUND = (
    '{"name": "idna", "skip_reason":'
    ' "Dependency not found on PyPI and could not be audited: idna (3.20)"}'
)
NO_DATABASE = f'{{"dependencies": [{NOT_FOUND}], "fixes": []}}\n'
PARTLY = (
    '{"dependencies": [{"name": "pip", "version": "26.3", "vulns": []}, '
    f'{NOT_FOUND}], "fixes": []}}\n'
)
NO_NAME = """Traceback (most recent call last):
  File "pip_audit/_cli.py", line 554, in audit
    for spec, vulns in auditor.audit(source):
requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.osv.dev', port=443): Max retries
exceeded with url: /v1/query (Caused by NameResolutionError("HTTPSConnection(host='api.osv.dev',
port=443): Failed to resolve 'api.osv.dev' ([Errno -2] Name or service not known)"))
"""
NO_PROXY = """Traceback (most recent call last):
requests.exceptions.ProxyError: HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded
with url: /pypi/idna/3.20/json (Caused by ProxyError('Unable to connect to proxy'))
"""
BLOCKED = """ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed
ERROR:pip_audit._cli:Tip: your network may be blocking this service. Try another service
"""
NOT_PINNED = "ERROR:pip_audit._cli:requirement idna is not pinned: idna\n"


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Ended(0, CLEAN, "No known vulnerabilities found\n"), "clean"),
        (Ended(1, FOUND, "Found 1 known vulnerability in 1 package\n"), "vulnerable"),
        (Ended(0, NO_DATABASE, "No known vulnerabilities found\n"), "no answer"),
        (Ended(1, "", NO_NAME), "no answer"),
        (Ended(1, "", NO_PROXY), "no answer"),
        (Ended(1, "", BLOCKED), "no answer"),
        (Ended(None, "", ""), "no answer"),
        (Ended(1, "", NOT_PINNED), "broken"),
        (Ended(1, "", "python: No module named pip_audit\n"), "broken"),
        (Ended(1, "", ""), "broken"),
        (Ended(1, CLEAN, ""), "broken"),
        (Ended(0, '{"dependencies": [], "fixes": []}\n', ""), "clean"),
    ],
)
def test_what_was_said_is_told_from_the_text_and_not_from_the_code_alone(
    ended: Ended, said: str
) -> None:
    assert verdict(ended).said == said


def test_a_finding_names_the_package_the_flaw_and_the_mended_version() -> None:
    (line,) = verdict(Ended(1, FOUND, "")).lines
    assert line == "jinja2 2.8: PYSEC-2019-217 (CVE-2016-10745), mended in 2.8.1"


def test_a_package_that_the_database_lacks_is_named_and_fails_nothing() -> None:
    told = verdict(Ended(0, PARTLY, ""))
    assert told.said == "clean"
    assert told.lines == ("Dependency not found on PyPI and could not be audited: idna (3.20)",)


def test_what_is_broken_says_its_last_words() -> None:
    assert verdict(Ended(1, "", NOT_PINNED)).lines == (NOT_PINNED.strip(),)


def test_the_first_pin_keeps_its_hashes_and_loses_its_marker() -> None:
    pins = (
        "# made by uv\natomicwrites==1 ; sys_platform == 'win32' \\\n    --hash=sha256:aa \\\n"
        "    --hash=sha256:bb\n    # via pytest\nidna==2 \\\n    --hash=sha256:cc\n"
    )
    assert first_pin(pins) == (
        "atomicwrites==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    )


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    for_ever = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    assert audit._ended(for_ever, check.ROOT, 0.2) == Ended(None, "", "")


@pytest.mark.parametrize(
    ("said", "passed", "line"),
    [
        (Verdict("clean"), True, "ok    pip-audit"),
        (Verdict("no answer"), True, "skip  pip-audit       (its database does not answer)"),
        (Verdict("vulnerable", ("jinja2 2.8: …",)), False, "FAIL  pip-audit"),
        (Verdict("broken", ("no uv",)), False, "FAIL  pip-audit"),
    ],
)
def test_the_step_fails_for_what_is_wrong_and_is_skipped_without_an_answer(
    said: Verdict,
    passed: bool,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "audited", lambda _root: said)
    step = check.step("pip-audit", check.nothing_known_is_wrong)
    assert step.passed is passed
    assert str(step).startswith(line)
    assert all(one in capsys.readouterr().out for one in said.lines)
