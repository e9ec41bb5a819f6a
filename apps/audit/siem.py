"""The audit, entry by entry, to a city's SIEM: CEF events in syslog frames (RFC 5424, over TCP octet-counted by
RFC 6587, TLS as in RFC 5425).
"""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from apps.audit.models import Entry, Forwarding, Link

BATCH = 1_000
PATIENCE_S = 10
# Syslog facility 13 (log audit), severity 5 (notice) and 4 (warning).
NOTICE, WARNING = 13 * 8 + 5, 13 * 8 + 4
WARNED_OF = ("refused", "failed", "revoked", "break_glass", "early", "unusual", "every_right")


def forward() -> int:
    """Send what was sealed since the last time, in the chain's order; return how many entries.

    The place is remembered after the send: should that fail, entries come twice, never not at all.
    """
    address = settings.SIEM_ADDRESS
    if not address:
        return 0
    with transaction.atomic():
        Forwarding.objects.get_or_create(address=address)
        place = Forwarding.objects.select_for_update().get(address=address)
        links = list(Link.objects.filter(position__gt=place.position).order_by("position")[:BATCH])
        if links:
            entries = Entry.objects.in_bulk([link.entry_id for link in links])
            send(address, (syslog(entries[link.entry_id], link.position) for link in links))
            place.position = links[-1].position
            place.save(update_fields=["position"])
    return len(links)


def syslog(entry: Entry, position: int) -> bytes:
    level = WARNING if any(word in entry.verb for word in WARNED_OF) else NOTICE
    head = f"<{level}>1 {entry.at.isoformat()} {socket.gethostname()} daejeon_soc - {position} - "
    return (head + cef(entry, position)).encode()


def cef(entry: Entry, position: int) -> str:
    """The entry in ArcSight's Common Event Format, version 0."""
    severity = 6 if any(word in entry.verb for word in WARNED_OF) else 3
    head = "|".join(map(_in_head, ("daejeon_soc", "operation centre", "1", entry.verb, entry.verb)))
    fields = {
        "rt": int(entry.at.timestamp() * 1000),
        "externalId": position,
        "suser": entry.actor_name,
        "suid": entry.actor_id or "",
        "src": entry.address or "",
        "cs1Label": "target",
        "cs1": entry.target,
        "cs2Label": "detail",
        "cs2": json.dumps(entry.detail, ensure_ascii=False, sort_keys=True),
    }
    tail = " ".join(f"{name}={_in_tail(str(value))}" for name, value in fields.items() if value != "")
    return f"CEF:0|{head}|{severity}|{tail}"


def _in_head(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("\r", " ")


def _in_tail(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n").replace("\r", "\\r")


def send(address: str, messages: Iterator[bytes]) -> None:
    """Send to `udp://`, `tcp://` or `tls://host:port`. OSError when it cannot be reached, or does not take it all."""
    to = urlsplit(address)
    place = (to.hostname, to.port or 6514)
    if to.scheme == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for message in messages:
                out.sendto(message, place)
        return
    with _connected(place, is_encrypted=to.scheme == "tls") as out:
        for message in messages:
            out.sendall(b"%d %s" % (len(message), message))
        _wait_until_read(out)


def _connected(place: tuple[str, int], *, is_encrypted: bool) -> socket.socket:
    out = socket.create_connection(place, timeout=PATIENCE_S)
    # It closes what it wraps, or could not wrap.
    return ssl.create_default_context().wrap_socket(out, server_hostname=place[0]) if is_encrypted else out


def _wait_until_read(out: socket.socket) -> None:
    """What lies in buffers is not told yet: wait for the other end, which closes when it has read to the end."""
    if isinstance(out, ssl.SSLSocket):
        # Some close without the farewell of TLS.
        with suppress(ssl.SSLError):
            out.unwrap()
    out.shutdown(socket.SHUT_WR)
    while out.recv(4096):
        pass
