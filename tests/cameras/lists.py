"""Small CCTV lists, made up, in the forms that cities publish."""

from apps.cameras.standard_list import column_names

ROW = {
    "region_code": "3000000",
    "management_no": "A-1",
    "owner": "대전광역시 서구청",
    "road_address": "대전광역시 서구 둔산대로 1",
    "lot_address": "",
    "purpose": "생활방범",
    "count": "2",
    "pixels": "200",
    "direction": "남동쪽",
    "retention": "30",
    "installed": "2019-05",
    "phone": "042-000-0000",
    "lat": "36.3504",
    "lon": "127.3845",
    "as_of": "2026-05-01",
}


def listed(*rows: dict, columns: int = 18, delimiter: str = ",") -> str:
    """The text of a list; each row says what differs from ROW."""
    names = column_names(columns)
    lines = [delimiter.join(names.values())]
    lines += [delimiter.join(str({**ROW, **row}.get(name, "")) for name in names) for row in rows]
    return "\r\n".join(lines) + "\r\n"
