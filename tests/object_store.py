"""A real object store for the tests: OpenStack Swift with its S3 interface, one node, ordinary processes.

Debian's packages bring the programs; nothing of the system's own Swift is used or started.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.files.storage import storages

from daejeon_soc.up import ports
from tests.waiting import until

KEY, SECRET = "soc:soc", "secret-of-the-tests"
SERVERS = ("account", "container", "object", "proxy")
SECONDS_TO_COME_UP = 90

COMMON = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {base}
devices = {base}/disks
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
log_address = {base}/no-log
log_level = ERROR
"""
STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
conn_timeout = 10
"""
# A busy machine answers later than within half a second.
# `cache` needs a memcached for tokens, which signed requests never use: an address that refuses will do.
PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper cache s3api tempauth copy slo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
conn_timeout = 10
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_soc_soc = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""


@dataclass(frozen=True)
class ObjectStore:
    """Where it listens, and who may come in."""

    address: str
    key: str = KEY
    secret: str = SECRET


def why_impossible(base: Path) -> str:
    """Why no Swift can run here, or nothing."""
    if missing := [kind for kind in SERVERS if not shutil.which(f"swift-{kind}-server")]:
        return f"Debian's swift-{missing[0]} is not installed"
    probe = base / "attributes"
    probe.touch()
    try:
        os.setxattr(probe, "user.swift", b"x")
    except OSError as error:
        return f"the file system below {base} keeps no attributes ({error.strerror})"
    return ""


@contextmanager
def object_store(base: Path) -> Iterator[ObjectStore]:
    """A private Swift below `base`, for as long as the context lasts."""
    addresses = dict(zip(SERVERS, _free_ports(len(SERVERS)), strict=True))
    (base / "disks" / "d1").mkdir(parents=True)
    (base / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    _make_rings(base, addresses)
    with ExitStack() as running:
        for kind in SERVERS:
            running.enter_context(_server(base, kind, addresses[kind]))
        for port in addresses.values():
            until(lambda port=port: _answers(port), "Swift comes up", within=SECONDS_TO_COME_UP)
        yield ObjectStore(f"http://127.0.0.1:{addresses['proxy']}")


def _free_ports(count: int) -> list[int]:
    chosen = set()
    while len(chosen) < count:
        chosen.add(ports.choose(besides=chosen))
    return list(chosen)


def _make_rings(base: Path, addresses: dict[str, int]) -> None:
    """One partition of a thousand, one copy, one disk."""
    builds = []
    for kind in ("account", "container", "object"):
        ring = f"swift-ring-builder {kind}.builder"
        steps = f"{ring} create 4 1 0 && {ring} add r1z1-127.0.0.1:{addresses[kind]}/d1 1 && {ring} rebalance"
        builds.append(subprocess.Popen(steps, shell=True, cwd=base, stdout=subprocess.DEVNULL))
    failed = [build.args for build in builds if build.wait()]
    if failed:
        raise RuntimeError(f"no ring: {failed}")


@contextmanager
def _server(base: Path, kind: str, port: int) -> Iterator[None]:
    text = COMMON + (PROXY if kind == "proxy" else STORAGE)
    configuration = base / f"{kind}.conf"
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    configuration.write_text(text.format(kind=kind, base=base, port=port, user=user, secret=SECRET))
    command = [f"/usr/bin/swift-{kind}-server", str(configuration)]
    with (base / f"{kind}.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def recordings_in(store: ObjectStore, bucket: str) -> dict:
    """The entry of STORAGES that keeps recordings in a bucket of `store`."""
    from botocore.config import Config

    config = Config(
        s3={"addressing_style": "path"},
        signature_version="s3v4",
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "endpoint_url": store.address,
            "bucket_name": bucket,
            "access_key": store.key,
            "secret_key": store.secret,
            "region_name": "us-east-1",
            "client_config": config,
        },
    }


@pytest.fixture(scope="session")
def swift(tmp_path_factory):
    base = tmp_path_factory.mktemp("swift")
    if why := why_impossible(base):
        pytest.skip(f"no object store: {why}")
    with object_store(base) as store:
        yield store


@pytest.fixture
def objects(swift, settings, roots):
    """The city's settings with an empty bucket; gives the client."""
    settings.STORAGES = {**settings.STORAGES, "recordings": recordings_in(swift, f"bucket-{os.urandom(4).hex()}")}
    client = storages["recordings"].connection.meta.client
    client.create_bucket(Bucket=storages["recordings"].bucket_name)
    return client
