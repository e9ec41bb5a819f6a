import hashlib
import secrets
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import record
from daejeon_soc.kept_queries import KeptQueries


class Agency(models.Model):
    """A body that owns cameras, sends calls, or is shown video: the centre itself, police, fire, a district …"""

    class Kind(models.TextChoices):
        CENTRE = "centre", _("Operation centre")
        POLICE = "police", _("Police")
        FIRE = "fire", _("Fire and EMS")
        DISASTER = "disaster", _("Disaster situation room")
        DISTRICT = "district", _("District office")
        EDUCATION = "education", _("Office of education")
        CITY = "city", _("City division")
        TELCO = "telco", _("Telecommunications company")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_ko = models.CharField(_("Korean name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("agency")
        verbose_name_plural = _("agencies")
        ordering = ["code"]
        permissions = [("watch_cameras", _("Can watch the cameras of this agency under a standing right"))]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        return self.name_ko if (get_language() or "ko").startswith("ko") else self.name_en


class User(AbstractUser):
    """A person who signs in. What they may do follows from their memberships."""

    # Shorter than Django's own: records keep all three in one line of 200 characters.
    username = models.CharField(
        _("User name"),
        max_length=90,
        unique=True,
        validators=[AbstractUser.username_validator],
        error_messages={"unique": _("Somebody else has this user name.")},
    )
    last_name = models.CharField(_("Family name"), max_length=50, blank=True)
    first_name = models.CharField(_("Given name"), max_length=50, blank=True)

    def get_full_name(self):
        """Family name first, as Korean names are written; with a space only between names in Latin letters."""
        between = " " if f"{self.last_name}{self.first_name}".isascii() else ""
        return f"{self.last_name}{between}{self.first_name}".strip()

    def __str__(self):
        return self.get_full_name() or self.username

    def save(self, *args, **kwargs):
        """Every right is given past two people, at the machine alone: no less loud for that (`unusual.py`)."""
        given = self.is_superuser and not User.objects.filter(pk=self.pk, is_superuser=True).exists()
        with transaction.atomic():
            super().save(*args, **kwargs)
            if given:
                record("person.given_every_right", target=self, name=self.username)

    def may_come_by(self, account: "User") -> bool:
        """May they reset or change it, and so sign in as it? Every right is for those alone who have it."""
        return self.is_superuser or not account.is_superuser


class Membership(models.Model):
    class Role(models.TextChoices):
        OPERATOR = "operator", _("Operator")
        SUPERVISOR = "supervisor", _("Supervisor")
        ADMINISTRATOR = "administrator", _("Administrator")
        LIAISON = "liaison", _("Agency liaison")
        OFFICER = "officer", _("Field officer")
        OWNER = "owner", _("Camera owner")
        AUDITOR = "auditor", _("Auditor")
        GUIDE = "guide", _("Showroom guide")

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships", verbose_name=_("person"))
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="memberships", verbose_name=_("agency"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    # As the register names who was given a file.
    rank = models.CharField(_("rank or position"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "agency", "role"], name="one_membership_per_role"),
        ]

    def __str__(self):
        return f"{self.user} – {self.agency} ({self.get_role_display()})"


class NominationQuerySet(models.QuerySet):
    def waiting(self):
        return self.filter(decided_at=None)


class Nomination(models.Model):
    """A person proposed for a role that gives a right to others' video, or the power to give one.

    The role does not hold before a second person has approved it: until then there is no membership.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="nominations", verbose_name=_("person"))
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="nominations", verbose_name=_("agency"))
    role = models.CharField(_("role"), max_length=20, choices=Membership.Role)
    rank = models.CharField(_("rank or position"), max_length=40, blank=True)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    proposed_at = models.DateTimeField(_("proposed"), default=timezone.now)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    approved = models.BooleanField(pgettext_lazy("role", "approved"), null=True)

    objects = NominationQuerySet.as_manager()

    class Meta:
        verbose_name = _("proposed role")
        verbose_name_plural = _("proposed roles")
        ordering = ["-proposed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "agency", "role"], condition=Q(decided_at=None), name="proposed_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, approved=None)
                | Q(decided_at__isnull=False, decided_by__isnull=False, approved__isnull=False),
                name="decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(approved=True) | ~Q(decided_by=models.F("proposed_by")) & ~Q(decided_by=models.F("user")),
                name="approved_by_a_second_person",
            ),
        ]

    def __str__(self):
        return f"{self.user} – {self.agency} ({self.get_role_display()})"


class PledgeQuerySet(models.QuerySet):
    def valid(self, at=None):
        return self.filter(valid_until__gt=at or timezone.now())


class Pledge(models.Model):
    """A person's promise to keep to themselves what they see here. Renewed yearly; earlier ones stay on record."""

    LASTS = timedelta(days=365)

    user = models.ForeignKey(User, models.PROTECT, related_name="pledges", verbose_name=_("person"))
    text = models.TextField(_("words"))
    given_at = models.DateTimeField(pgettext_lazy("pledge", "given"), default=timezone.now)
    valid_until = models.DateTimeField(_("valid until"))
    address = models.GenericIPAddressField(_("from address"), null=True)

    objects = PledgeQuerySet.as_manager()

    class Meta:
        verbose_name = _("pledge of confidentiality")
        verbose_name_plural = _("pledges of confidentiality")
        ordering = ["-given_at"]

    def __str__(self):
        return f"{self.user} – {self.given_at:%Y-%m-%d}"


class SignInQuerySet(models.QuerySet):
    def open(self):
        return self.filter(ended_at=None)

    def locked(self):
        """By hand, or because nobody has touched the screen for as long as it may stay open."""
        return self.open().exclude(locked_at=None, touched_at__gte=untouched_since())


def untouched_since():
    return timezone.now() - timedelta(minutes=settings.IDLE_LOCK_MINUTES)


class SignIn(models.Model):
    """One session of a person, on one browser. While it is locked, nothing is shown to it."""

    user = models.ForeignKey(User, models.PROTECT, related_name="sign_ins", verbose_name=_("person"))
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    at = models.DateTimeField(_("signed in"), default=timezone.now)
    address = models.GenericIPAddressField(_("from address"), null=True)
    browser = models.CharField(_("browser"), max_length=200, blank=True)
    locked_at = models.DateTimeField(_("locked"), null=True)
    touched_at = models.DateTimeField(_("last touched"), db_default=Now(), editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ["-at"]
        indexes = [models.Index(fields=["user", "at"], name="sign_in_of_user")]

    def __str__(self):
        return f"{self.user} – {self.at:%Y-%m-%d %H:%M}"


class ApiKeyQuerySet(models.QuerySet):
    def usable(self):
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None, agency__is_active=True)

    def of_digest(self, digest: str):
        return self.usable().select_related("agency").filter(digest=digest)


BY_DIGEST = KeptQueries(digest="a digest")


def is_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValidationError(_("“%(text)s” is not a network, such as 10.1.0.0/16.") % {"text": text}) from error


def every_scope() -> list[str]:
    return list(ApiKey.Scope.values)


class ApiKey(models.Model):
    """What an agency's own system signs in with. The secret is shown once; its SHA-256 is kept.

    A secret holds 256 random bits, so a plain digest is as good as a slow one and costs no time per call.
    """

    class Scope(models.TextChoices):
        INTAKE = "intake", _("Send calls and move its own incidents on")
        READ = "read", _("See cameras, video and incidents")
        EVENTS = "events", _("Hear what changes")

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="api_keys", verbose_name=_("agency"))
    label = models.CharField(_("system"), max_length=90)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    services = ArrayField(models.CharField(max_length=40), verbose_name=_("services"), default=list)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), verbose_name=_("may"), default=every_scope)
    networks = ArrayField(
        models.CharField(max_length=50, validators=[is_network]),
        verbose_name=_("from these networks only"),
        default=list,
        blank=True,
        help_text=_("Separated by commas, such as 10.1.0.0/16. Empty: from anywhere."),
    )
    must_sign = models.BooleanField(
        _("must sign each request"), default=False, help_text=_("The secret itself is never sent then.")
    )
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("replaces")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    expires_at = models.DateTimeField(pgettext_lazy("key", "expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(pgettext_lazy("key", "revoked"), null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self):
        return f"{self.agency} – {self.label}"

    def is_for(self, address: str | None) -> bool:
        """May a request come from `address` with this key?"""
        return not self.networks or any(ip_address(address or "::") in ip_network(name) for name in self.networks)

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def named_by(cls, token: str) -> "ApiKey | None":
        """The usable key whose secret is `token`, or None."""
        found = BY_DIGEST.rows(None, cls.objects.of_digest, digest=cls.digest_of(token))
        return found[0] if found else None

    @classmethod
    def issue(cls, agency: Agency, label: str, services: list[str], **more) -> tuple["ApiKey", str]:
        """Make a key; return it with the secret, which is not kept."""
        token = f"soc_{secrets.token_urlsafe(32)}"
        digest = cls.digest_of(token)
        return cls.objects.create(agency=agency, label=label, services=services, digest=digest, **more), token


class UsedNonce(models.Model):
    """A signed request that was accepted; the same one again is a replay."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    nonce = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "nonce"], name="nonce_used_once")]

    def __str__(self):
        return self.nonce
