"""Columns that the index of recordings keeps small: a row a minute of every camera for a month."""

from datetime import UTC, datetime, timedelta

from django.db import models

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def whole_millisecond(at: datetime) -> datetime:
    """`at` without what is finer than a millisecond: never later than it was."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND


class MillisecondField(models.DateTimeField):
    """A time kept to the millisecond, so that it can be part of a name."""

    def db_type(self, connection):
        return "timestamp(3) with time zone"

    def pre_save(self, instance, add):
        at = super().pre_save(instance, add)
        if at is not None:
            at = whole_millisecond(at)
            setattr(instance, self.attname, at)
        return at


class HexField(models.Field):
    """Bytes, read and written as hexadecimal digits: half of what the digits would take."""

    def get_internal_type(self):
        return "BinaryField"

    def from_db_value(self, value, expression, connection):
        return None if value is None else bytes(value).hex()

    def get_prep_value(self, value):
        return None if value is None else bytes.fromhex(value)

    def get_db_prep_value(self, value, connection, prepared=False):
        value = super().get_db_prep_value(value, connection, prepared)
        return connection.Database.Binary(value) if isinstance(value, bytes) else value
