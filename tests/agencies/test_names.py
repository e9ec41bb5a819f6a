from apps.agencies.models import Agency, ApiKey, User
from apps.audit.models import Entry
from apps.mous.models import LedgerEntry
from apps.retention.models import Certificate
from apps.viewing.models import Finding


def length(model, *fields) -> int:
    return sum(model._meta.get_field(field).max_length for field in fields)


def test_the_longest_names_fit_where_records_keep_them():
    """A name that does not fit would stop its person's sign-in, and the monthly check of everybody."""
    person = length(User, "last_name", "first_name", "username") + len(" ()")
    system = length(Agency, "name_ko") + length(ApiKey, "label") + len(" – ")
    kept = [(Entry, "actor_name"), (LedgerEntry, "officer"), (Certificate, "by"), (Finding, "who")]
    assert max(person, system) <= min(length(model, field) for model, field in kept)
