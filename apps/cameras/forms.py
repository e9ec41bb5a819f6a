from django import forms
from django.contrib.gis.geos import Point


class PositionWidget(forms.MultiWidget):
    def __init__(self):
        number = {"step": "any", "class": "degrees"}
        super().__init__(widgets={"lon": forms.NumberInput(number), "lat": forms.NumberInput(number)})

    def decompress(self, value: Point | None) -> list[float | None]:
        return [value.x, value.y] if value else [None, None]


class PositionField(forms.MultiValueField):
    """A point as two numbers: longitude, latitude."""

    widget = PositionWidget

    def __init__(self, **kwargs):
        fields = [forms.FloatField(min_value=-180, max_value=180), forms.FloatField(min_value=-90, max_value=90)]
        super().__init__(fields, **kwargs)

    def compress(self, values: list[float]) -> Point | None:
        return Point(*values, srid=4326) if values else None

    def has_changed(self, initial: Point | None, data) -> bool:
        return super().has_changed(self.widget.decompress(initial), data)
