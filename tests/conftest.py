import socket
from ipaddress import ip_address

import pytest
from django.utils import translation

pytest_plugins = ["tests.cast", "tests.database", "tests.object_store"]

# What Chromium needs to run headless as root, and to stay off the network and quiet.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(autouse=True)
def closed_network(monkeypatch):
    """No test reaches beyond this machine."""
    connect = socket.socket.connect

    def loopback_only(self, address):
        if self.family != socket.AF_UNIX and not is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", loopback_only)


@pytest.fixture(autouse=True)
def in_english():
    """Each test begins in the language of the source, whatever the one before it asked for."""
    with translation.override("en"):
        yield


def is_loopback(host: str) -> bool:
    return host == "localhost" or ip_address(host).is_loopback


@pytest.fixture(scope="module")
def browser():
    """A Chromium. While it is open Playwright's event loop runs, so a module with browser tests has no async ones."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
