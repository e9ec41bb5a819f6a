from dataclasses import dataclass
from functools import cached_property

from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.agencies.authentication import AgencySystem
from apps.agencies.models import Agency, ApiKey, Membership, SignIn, User

Role = Membership.Role
CENTRE_ROLES = {Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR}


@dataclass(frozen=True)
class Principal:
    """Who asks: a person with memberships, or an agency's system with a key.

    Holds ids only and reads the rest at the time of asking, so that a disabled user, a revoked key or
    an ended session counts from the moment it happens.
    """

    user_id: int | None = None
    key_id: int | None = None
    session_key: str | None = None

    @classmethod
    def of(cls, party: "User | AgencySystem", session_key: str | None = None) -> "Principal":
        if isinstance(party, AgencySystem):
            return cls(key_id=party.key.pk)
        return cls(user_id=party.pk, session_key=session_key)

    @cached_property
    def party(self) -> "User | AgencySystem | None":
        """The user or system, if it may still act; None once disabled, revoked or signed out."""
        if self.key_id:
            key = ApiKey.objects.usable().select_related("agency").filter(pk=self.key_id).first()
            return AgencySystem(key) if key else None
        if self.session_key and not living_sessions({self.session_key}):
            return None
        return User.objects.filter(pk=self.user_id, is_active=True).first()

    @cached_property
    def memberships(self) -> list[Membership]:
        if not self.user_id or self.party is None:
            return []
        return list(Membership.objects.filter(user_id=self.user_id, agency__is_active=True).select_related("agency"))

    @cached_property
    def agencies(self) -> list[Agency]:
        if self.key_id:
            return [self.party.agency] if self.party else []
        return list({m.agency_id: m.agency for m in self.memberships}.values())

    @property
    def agency_ids(self) -> list[int]:
        return [agency.pk for agency in self.agencies]

    @cached_property
    def is_centre_staff(self) -> bool:
        """On the centre's own staff: sees every incident."""
        return any(m.agency.kind == Agency.Kind.CENTRE and m.role in CENTRE_ROLES for m in self.memberships)

    @cached_property
    def is_guide(self) -> bool:
        """Shows visitors the centre, by virtual cameras and exercises."""
        return any(m.agency.kind == Agency.Kind.CENTRE and m.role == Role.GUIDE for m in self.memberships)

    def again(self) -> "Principal":
        """The same principal, asked afresh."""
        return Principal(self.user_id, self.key_id, self.session_key)

    def __str__(self):
        return str(self.party) if self.party else "nobody"


def living_sessions(keys: set[str]) -> set[str]:
    """Those of the sessions that have neither ended nor been locked."""
    lives = Session.objects.filter(pk__in=keys, expire_date__gt=timezone.now())
    locked = SignIn.objects.locked().filter(session_key__in=keys)
    return set(lives.exclude(pk__in=locked.values("session_key")).values_list("pk", flat=True))


def principal_of(request) -> Principal:
    """The principal of a Django or DRF request."""
    session = getattr(request, "session", None)
    return Principal.of(request.user, session.session_key if session and not is_system(request.user) else None)


def is_system(party) -> bool:
    return isinstance(party, AgencySystem)
