"""The page in a real browser, without a screen."""

import os
import re
import shutil
import subprocess

import pytest

from albefkit.report.writing import write_report
from tests.report.made_up import ALL

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)

OWN_ERRANDS = ("google.com", "googleapis.com", "gvt1.com")
"""Whom the browser asks for itself, whatever page it shows."""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium or google-chrome")


def browse(path, folder):
    """What the browser made of a page, its complaints, and whom it asked for something."""
    assert BROWSER is not None
    command = [
        *(BROWSER, "--headless", "--disable-gpu", "--enable-logging=stderr"),
        *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
        "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing leaves this machine
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        *(f"--user-data-dir={folder}", f"--log-net-log={folder / 'net.json'}"),
        *("--dump-dom", path.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    hosts = re.findall(r'"url":"https?://([^/"]+)', (folder / "net.json").read_text())
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, complaints, {host for host in hosts if not host.endswith(OWN_ERRANDS)}


@pytest.mark.parametrize("name", ["swept", "hostile"])
def test_it_opens_without_a_complaint_and_with_all_figures(name, tmp_path):
    page = write_report(ALL[name](), tmp_path / "report")[-1]
    seen, complaints, asked = browse(page, tmp_path / "profile")
    assert (complaints, asked) == ([], set())
    written = page.read_text(encoding="utf-8")
    assert seen.count("<figure") == written.count("<figure") > 5
    for element in ("<svg", "<path", "<text", "<use", "<td", "<details"):
        assert seen.count(element) == written.count(element)  # nothing was lost or moved
    assert "<script" not in seen


def test_a_page_that_asks_and_complains_would_be_noticed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://albefkit.invalid/x.png"><script>console.error("no")</script>')
    _, complaints, asked = browse(page, tmp_path / "profile")
    assert complaints and asked == {"albefkit.invalid"}
