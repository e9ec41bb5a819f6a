from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class StrengthValidator:
    """What is guessed soon is refused, whatever it is made of: words, names, rows of keys, dates, repetitions."""

    LEAST = 3  # of 4: ten thousand million guesses would not find it
    JUDGED = 72  # characters; beyond these the judge would take long, and no more are needed to be strong

    def validate(self, password, user=None):
        from zxcvbn import zxcvbn  # its lists are 16 MB, which only those pay for who set a password

        about = [getattr(user, name, "") for name in ("username", "first_name", "last_name", "email")]
        if zxcvbn(password[: self.JUDGED], user_inputs=[word for word in about if word])["score"] < self.LEAST:
            raise ValidationError(_("This password would be guessed too soon."), code="password_too_weak")

    def get_help_text(self):
        return _("Your password must be hard to guess: several words that do not belong together are best.")


class MaximumLengthValidator:
    """Hashing takes longer the longer a password is: a megabyte of it would keep a processor busy."""

    LIMIT = 128

    def validate(self, password, user=None):
        if len(password) > self.LIMIT:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self):
        return _("Your password can have %(limit)s characters at most.") % {"limit": self.LIMIT}
