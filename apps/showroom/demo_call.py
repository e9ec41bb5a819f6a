"""An exercise call, sent the way a control room's system would send it."""

import json
import urllib.request
import uuid

from django.conf import settings
from django.utils import timezone

from apps.showroom.sample_city import DEMO_FILE


def send() -> dict:
    """Post an exercise robbery near City Hall to the public API; return its answer. Raises URLError."""
    demo = json.loads(DEMO_FILE.read_text())
    key = next(entry["key"] for entry in demo["api_keys"] if entry["agency"] == "police")
    request = urllib.request.Request(  # noqa: S310 (the address is this city's own)
        f"{demo['base_url']}/api/v1/incidents/",
        data=json.dumps(call()).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def call() -> dict:
    lon, lat = settings.CITY["centre"]
    return {
        "source_id": f"EX-{uuid.uuid4().hex[:12]}",
        "service": "112-onsite",
        "type": "robbery",
        "grade": "urgent",
        "occurred_at": timezone.now().isoformat(),
        "location": {"lon": lon, "lat": lat},
        "place": "시청 앞 광장",
        "description": "검은 모자를 쓴 남성이 가방을 빼앗아 동쪽으로 뛰어 달아남. (훈련 신고)",
        "exercise": True,
    }
