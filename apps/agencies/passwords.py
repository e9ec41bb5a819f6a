from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class MaximumLengthValidator:
    """Hashing takes longer the longer a password is: a megabyte of it would keep a processor busy."""

    LIMIT = 128

    def validate(self, password, user=None):
        if len(password) > self.LIMIT:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self):
        return _("Your password can have %(limit)s characters at most.") % {"limit": self.LIMIT}
