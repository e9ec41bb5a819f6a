"""Fields that take what they say and nothing near it: the public face must not guess."""

import re

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]|[\ud800-\udfff]")


class Text(serializers.CharField):
    default_error_messages = {
        "not_text": _("Must be text."),
        "control": _("Must not contain control characters."),
    }

    def __init__(self, *, single_line: bool = True, **options):
        self.single_line = single_line
        super().__init__(**options)

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("not_text")
        if CONTROL.search(data) or (self.single_line and re.search(r"[\t\r\n]", data)):
            self.fail("control")
        return super().to_internal_value(data)


class Number(serializers.FloatField):
    default_error_messages = {"not_number": _("Must be a number.")}

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("not_number")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    default_error_messages = {"not_flag": _("Must be true or false.")}

    def to_internal_value(self, data):
        if not isinstance(data, bool):
            self.fail("not_flag")
        return data


class Moment(serializers.DateTimeField):
    """ISO 8601; without an offset it is read in the city's zone."""

    default_error_messages = {"not_moment": _("Must be a date and time in ISO 8601.")}

    def to_internal_value(self, value):
        if not isinstance(value, str) or len(value) > 40:
            self.fail("not_moment")
        try:
            return super().to_internal_value(value)
        except OverflowError:
            self.fail("not_moment")


class Choice(Text):
    """One of a set of codes."""

    default_error_messages = {"unknown": _("“%(given)s” is not known here. Known: %(known)s.")}

    def __init__(self, codes, **options):
        self.codes = codes
        super().__init__(max_length=60, **options)

    def to_internal_value(self, data):
        value = super().to_internal_value(data)
        if value not in self.codes:
            raise serializers.ValidationError(
                self.error_messages["unknown"] % {"given": value, "known": ", ".join(self.codes)}, code="unknown"
            )
        return value
