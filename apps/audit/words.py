from django.conf import settings
from django.utils.translation import gettext, override


def on_record(text: str) -> str:
    """`text`, marked with gettext_noop, as records keep it: in the city's language, whoever acts."""
    with override(settings.LANGUAGE_CODE):
        return gettext(text)
