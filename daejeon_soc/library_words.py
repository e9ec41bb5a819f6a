"""Words of libraries that have no good Korean of their own. Named here, they are part of our catalogue."""

from django.utils.translation import gettext_noop

WORDS = [
    # the administration
    gettext_noop("Site administration"),
    gettext_noop("Select %s to change"),
    gettext_noop("Select %s to view"),
    gettext_noop(" By %(filter_title)s "),
    gettext_noop("View %s"),
    gettext_noop("History"),
    gettext_noop("None available"),
    gettext_noop("users"),
    # answers of the API
    gettext_noop("This field may not be blank."),
    gettext_noop("This field may not be null."),
    gettext_noop("This field is required."),
    gettext_noop("Datetime has wrong format. Use one of these formats instead: {format}."),
    gettext_noop("Authentication credentials were not provided."),
    gettext_noop("Request was throttled."),
    gettext_noop('Method "{method}" not allowed.'),
]
