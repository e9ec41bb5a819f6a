"""Querysets whose text is written once.

Django takes several times as long to write a statement as Postgres to answer it, and what a call asks is the same at
every call but for a place, a time, a digest. So the text is kept with all that Django worked out to read the rows,
and only those values are put in anew. What is true is still asked of the database, every time.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from django.contrib.gis.db.backends.postgis.adapter import PostGISAdapter
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection
from django.db.models import Model, QuerySet

KEPT_AT_MOST = 200


class KeptQueries:
    """Querysets of one kind, which differ in the values of `examples`.

    Each example is a value of the right type that occurs nowhere else in the queryset: by it the place of the
    value in the statement is found.
    """

    def __init__(self, **examples):
        self._examples = examples
        self._kept: OrderedDict[Hashable, _Written] = OrderedDict()

    def rows(self, key: Hashable, write: Callable[..., QuerySet], **values) -> list[Model]:
        """The rows of `write(**values)`. `key` tells apart what `write` may write besides the values.

        Raises EmptyResultSet when there can be none, and the database need not be asked.
        """
        written = self._kept.get(key)
        if written is None:
            written = self._kept[key] = _Written(write(**self._examples), self._examples)
            if len(self._kept) > KEPT_AT_MOST:
                self._kept.popitem(last=False)
        return written.rows(values)


class _Written:
    def __init__(self, queryset: QuerySet, examples: dict[str, Any]):
        self._queryset = queryset
        self._compiler = queryset.query.get_compiler(connection=connection)
        self._text, self._given = self._compiler.as_sql()
        self._places = [
            (place, name)
            for place, parameter in enumerate(self._given)
            for name, example in examples.items()
            if _stands_for(parameter, example)
        ]
        if missing := set(examples) - {name for _place, name in self._places}:
            raise LookupError(f"not found in the statement: {', '.join(missing)}")

    def rows(self, values: dict[str, Any]) -> list[Model]:
        compiler = copy.copy(self._compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *_args, **_options: (self._text, self._parameters(values))
        queryset = self._queryset.all()
        queryset.query.get_compiler = lambda *_args, **_options: compiler
        return list(queryset)

    def _parameters(self, values: dict[str, Any]) -> list:
        parameters = list(self._given)
        for place, name in self._places:
            value = values[name]
            if isinstance(value, GEOSGeometry):
                value = PostGISAdapter(value, geography=parameters[place].geography)
            parameters[place] = value
        return parameters


def _stands_for(parameter, example) -> bool:
    if isinstance(example, GEOSGeometry):
        return isinstance(parameter, PostGISAdapter) and parameter.ewkb == PostGISAdapter(example).ewkb
    return type(parameter) is type(example) and parameter == example
