"""The city that the matrix is asked of: everybody of `roles.py`, and one of each thing that an address can name."""

from datetime import timedelta
from types import SimpleNamespace

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.agencies import sittings
from apps.agencies.actions import admit, enrol
from apps.agencies.models import Agency, ApiKey, Membership, Pledge, SignIn, User
from apps.agencies.roles import lay_out_roles
from apps.audit.models import Entry
from apps.cameras.models import Camera, District, Dong
from apps.incidents.models import Incident
from apps.linked_services.actions import receive
from apps.mous import actions
from apps.mous.models import (
    Integration,
    LedgerEntry,
    LegalGround,
    Mou,
    Provision,
    ProvisionCamera,
    ProvisionRequest,
    UrgentReview,
    UseResult,
)
from apps.mous.standing import join_centre, let_watch
from apps.retention.models import Certificate, DiskWatch, EarlyPurge, Hold
from apps.video.models import CameraAlarm, Clip, SigningKey
from apps.viewing.models import Bookmark, Finding, MonthlyCheck, ProvidedCopy, ViewLog
from tests.cast import (
    CITY_HALL,
    ELSEWHERE,
    Kind,
    make_agency,
    make_camera,
    make_mou,
    make_segment,
    make_user,
    signatures,
    square,
)
from tests.cast import Role as In
from tests.linked_services.calls import checked

HOUR = timedelta(hours=1)
# What nobody outside the police and the centre may ever read, whatever page they ask for.
SECRETS = ("Secret Alley 7", "a man with a secret cap", "SECRET-PAPER")
MOU_OF = {
    "far": {},
    "expired": {"ends_at": -timedelta(seconds=1)},
    "not_begun": {"starts_at": timedelta(days=1)},
    "draft": {"state": Mou.State.DRAFT},
    "suspended": {"state": Mou.State.SUSPENDED},
    "revoked": {"state": Mou.State.REVOKED},
    "taken_back": {},
    "closed": {},
}


class City:
    """`ids` are the things an address may name; `ids_of[role]` what a near miss has of its own in their place."""

    def __init__(self):
        self.now = timezone.now()
        lay_out_roles()
        self.centre = make_agency("centre", Kind.CENTRE)
        self.district = make_agency("district", Kind.DISTRICT)
        self.police, self.fire = make_agency("police"), make_agency("fire", Kind.FIRE)
        join_centre(self.district, by=None)
        self.camera, self.far_camera = make_camera(self.district), make_camera(self.district, ELSEWHERE)
        self.people, self.tokens, self.cookies, self.ids, self.ids_of = {}, {}, {}, {}, {}
        self.enrol()
        self.share_out()
        self.agree()
        self.call()
        self.lay_out()
        for role in MOU_OF:
            self.ids_of[role] = self.near_miss(role)
        self.issue_keys()
        for role, user in self.people.items():
            self.cookies[role] = self.sign_in(user)
        self.hinder()

    # --- people ---------------------------------------------------------------------

    def enrol(self):
        agency_of = {
            "operator": (self.centre, In.OPERATOR),
            "supervisor": (self.centre, In.SUPERVISOR),
            "administrator": (self.centre, In.ADMINISTRATOR),
            "auditor": (self.centre, In.AUDITOR),
            "guide": (self.centre, In.GUIDE),
            "officer": (self.police, In.OFFICER),
            "police_admin": (self.police, In.ADMINISTRATOR),
            "fire": (self.fire, In.LIAISON),
            "owner": (self.district, In.OWNER),
            "nobody": (None, None),
            "superuser": (None, None),
            **dict.fromkeys(
                ("police", "disabled", "signed_out", "no_pledge", "no_factor", "locked"), (self.police, In.LIAISON)
            ),
        }
        for role, (agency, member) in agency_of.items():
            staff = role in ("administrator", "supervisor", "auditor", "superuser")
            self.person(role, agency, member, is_staff=staff, is_superuser=role == "superuser")
        everyone = self.person("everyone", self.centre, In.SUPERVISOR, is_staff=True, is_superuser=True)
        for agency in (self.centre, self.police, self.district):
            for member in In:
                enrol(everyone, agency, member, by=None)

    def person(self, role, agency, member=In.LIAISON, **details) -> User:
        user = make_user(role, agency, member, **details)
        if role != "no_factor":
            Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
        self.people[role] = user
        return user

    def issue_keys(self):
        scopes = {"key_intake": ["intake"], "key_read": ["read"], "key_events": ["events"]}
        keys = {}
        for role, agency in {
            **dict.fromkeys([*scopes, "key_revoked", "key_network"], self.police),
            "key_fire": self.fire,
        }.items():
            services = ["119-dispatch"] if agency == self.fire else ["112-onsite"]
            # "Last used" is written once a minute, by whatever is asked then.
            used = self.now + timedelta(days=1)
            given = {"scopes": scopes.get(role, list(ApiKey.Scope.values)), "last_used_at": used}
            keys[role], self.tokens[role] = ApiKey.issue(agency, role, services, **given)
        ApiKey.objects.filter(pk=keys["key_revoked"].pk).update(revoked_at=self.now)
        ApiKey.objects.filter(pk=keys["key_network"].pk).update(networks=["10.9.0.0/16"])
        self.ids["key"] = keys["key_read"].pk
        self.keys = {role: key.pk for role, key in keys.items()}

    def sign_in(self, user) -> str:
        client = Client()
        client.force_login(user)
        client.get("/me/")  # settles in the session what is asked of the database once
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def hinder(self):
        """What happened to the near misses after they had signed in."""
        User.objects.filter(pk=self.people["disabled"].pk).update(is_active=False)
        SignIn.objects.filter(user=self.people["locked"]).update(locked_at=self.now)
        Session.objects.filter(pk=self.cookies["signed_out"]).delete()
        Pledge.objects.filter(user=self.people["no_pledge"]).update(valid_until=self.now)
        session = Session.objects.get(pk=self.cookies["no_pledge"])
        unpledged = {key: value for key, value in session.get_decoded().items() if key != sittings.PLEDGED_UNTIL}
        session.session_data = Session.objects.encode(unpledged)
        session.save()
        mine = SignIn.objects.get(session_key=self.cookies["police"])
        other = Client()
        other.force_login(self.people["police"])
        self.ids["sign_in"] = SignIn.objects.filter(user=mine.user).exclude(pk=mine.pk).latest("pk").pk

    def share_out(self):
        """A shift that watches the camera, and one that does not."""
        self.day_shift, self.night_shift = (Group.objects.create(name=f"{time} shift") for time in ("day", "night"))
        let_watch(self.day_shift, Camera.objects.filter(pk=self.camera.pk), by=None)

    # --- agreements -----------------------------------------------------------------

    def agree(self):
        self.mou = make_mou(self.police, document_number="SECRET-PAPER-1", lookback_min=60)
        self.mou.scan.save("paper.pdf", ContentFile(b"%PDF-1.4"))
        make_mou(self.fire, services=["119-dispatch"], document_number="FIRE-1")
        period = {"starts_at": self.now - HOUR, "ends_at": self.now + timedelta(days=9)}
        drafter = User.objects.get(username="drafter")
        by_state = {"mou": self.mou}
        for state in ("draft", "reviewed", "suspended"):
            by_state[f"mou_{state}"] = make_mou(self.police, state=state, document_number=f"SECRET-PAPER-{state}")
        for state in ("signed", "draft", "reviewed", "suspended"):
            signed = {} if state in Mou.UNSIGNED else signatures(self.now)
            by_state[f"joining_{state}"] = Integration.objects.create(
                owner=self.district,
                document_number=f"I-{state}",
                purpose="x",
                state=state,
                drafted_by=drafter,
                **period,
                **signed,
            )
        by_state["joining_signed"].scan.save("paper.pdf", ContentFile(b"%PDF-1.4"))
        self.ids |= {name: agreement.pk for name, agreement in by_state.items()}
        self.ids["joining"] = by_state["joining_signed"].pk

    # --- the police's call and what came of it -----------------------------------------

    def call(self):
        ten_minutes_ago = (self.now - timedelta(minutes=10)).isoformat()
        call = checked(occurred_at=ten_minutes_ago, place=SECRETS[0], description=SECRETS[1])
        self.incident = receive(self.police, call, by=self.people["police"]).incident
        self.provision = self.incident.provisions.get()
        self.ids |= {"incident": self.incident.number, "provision": self.provision.pk, "camera": self.camera.pk}
        self.ids |= {"incident_pk": self.incident.pk}
        self.segment = make_segment(self.camera, self.incident.occurred_at)
        self.ids["segment"] = self.segment.start_ms
        self.ids |= self.copies(self.provision, self.camera)

    def copies(self, provision, camera) -> dict:
        """A clip that is ready, one that waits, and the copy that the agency took."""
        whole = {"path": "ab/clip.mp4", "bytes": 5, "sha256": "1" * 64, "progress": 100}
        start = provision.recorded_from + timedelta(minutes=1)
        made = {}
        for state, details in {"ready": whole, "queued": {}}.items():
            clip = Clip.objects.create(
                camera=camera, starts_at=start, ends_at=start + HOUR / 60, state=state, **details
            )
            made[state] = ProvidedCopy.objects.create(
                provision=provision,
                clip=clip,
                agency=provision.agency,
                ledger_number=1,
                requested_by="x",
                taken_at=self.now if state == "ready" else None,
            )
        return {
            "clip": str(made["ready"].clip_id),
            "waiting_clip": str(made["queued"].clip_id),
            "copy": made["ready"].pk,
        }

    def near_miss(self, role: str) -> dict:
        """An agency with a provision of the same camera (or a far one) that ought to give nothing, or not this."""
        agency = make_agency(role)
        self.person(role, agency)
        terms = MOU_OF[role]
        times = {name: self.now + value for name, value in terms.items() if name.endswith("_at")}
        mou = make_mou(agency, lookback_min=60, **{**terms, **times})
        incident = self.closed_incident(agency) if role == "closed" else None
        taken_back = {"revoked_at": self.now, "revoked_reason": "x"} if role == "taken_back" else {}
        provision = Provision.objects.create(
            number=f"P-{role}",
            way="operator",
            agency=agency,
            mou=mou,
            incident=incident,
            opened_by=self.people["operator"],
            legal_ground=LegalGround.URGENT,
            purpose=f"the scene of {role}",
            kinds=["live", "recorded", "still"],
            starts_at=self.now - HOUR,
            ends_at=self.now + HOUR,
            recorded_from=self.now - HOUR,
            recorded_until=self.now if incident else self.now + HOUR,
            **taken_back,
        )
        camera = self.far_camera if role == "far" else self.camera
        ProvisionCamera.objects.create(provision=provision, camera=camera, rank=1, distance_m=1, covers=True)
        own = self.copies(provision, camera) if role != "far" else {}
        return {**own, "provision": provision.pk, **({"incident": incident.number} if incident else {})}

    def closed_incident(self, agency: Agency) -> Incident:
        return Incident.objects.create(
            number="261121-900001",
            agency=agency,
            parties=[agency.pk],
            source_id="closed",
            digest="0" * 64,
            service="112-onsite",
            type="robbery",
            grade="urgent",
            state="closed",
            occurred_at=self.now - HOUR,
            closed_at=self.now,
            location=self.camera.location,
        )

    # --- one of everything else ---------------------------------------------------------

    def lay_out(self):
        people, now = self.people, self.now
        asked = {
            "agency": self.police,
            "asked_by": people["police"],
            "due_at": now + HOUR,
            "place": SECRETS[0],
            "kinds": ["recorded"],
            "recorded_from": now - HOUR,
            "recorded_until": now,
            "legal_ground": LegalGround.URGENT,
            "document_number": "SECRET-PAPER-2",
            "purpose": "to see the scene",
            "incident": self.incident,
        }
        decided = {"state": "approved", "decided_by": people["supervisor"], "decided_at": now}
        urgent = self.break_glass()
        hold = self.hold()
        check = MonthlyCheck.objects.create(month=now.date().replace(day=1), views=1, downloads=0, refusals=0)
        finding = {"check_of": check, "kind": "night", "times": 40, "first_at": now, "last_at": now}
        destroyed = Clip.objects.create(camera=self.camera, starts_at=now - HOUR, ends_at=now, state="destroyed")
        gone = ProvidedCopy.objects.create(
            provision=self.provision,
            clip=destroyed,
            agency=self.police,
            ledger_number=1,
            requested_by=SECRETS[1],
            confirmed_at=now,
            confirmed_by=people["police"],
        )
        shape = {"name_ko": "x", "name_en": "x", "shape": square(*CITY_HALL)}
        invited = make_user("invited", self.police, In.OFFICER)
        things = {
            "request": ProvisionRequest.objects.create(**asked),
            "approved_request": ProvisionRequest.objects.create(**asked, **decided),
            "review": UrgentReview.objects.get(provision=urgent),
            "result": UseResult.objects.create(provision=urgent, outcome="helped", by=people["police"]),
            "finding": Finding.objects.create(**finding, who="somebody else (someone)"),
            "hold": hold,
            "confirmed_copy": gone,
            "certificate": Certificate.objects.create(
                copy=gone,
                what=SECRETS[2],
                camera=self.camera,
                period_from=now - HOUR,
                period_until=now,
                sha256="1" * 64,
                by="x",
            ),
            "membership": Membership.objects.get(user=invited),
            "nomination": admit(make_user("proposed"), self.centre, In.SUPERVISOR, by=people["everyone"]),
            "view": ViewLog.objects.create(door="live", camera=self.camera, user=people["police"], reason="x"),
            "bookmark": Bookmark.objects.create(camera=self.camera, at=now, note=SECRETS[1], by=people["police"]),
            "alarm": CameraAlarm.objects.create(camera=self.camera, kind="moved"),
            "line": LedgerEntry.objects.order_by("pk").first(),
            "entry": Entry.objects.order_by("pk").first(),
            "user": invited,
            "root": people["superuser"],
            "agency": self.police,
            "site": self.camera.site,
            "district_area": (district := District.objects.create(code="30170", **shape)),
            "dong": Dong.objects.create(code="3017011", district=district, **shape),
            "group": Group.objects.order_by("pk").first(),
            "signing_key": SigningKey.objects.create(id="0" * 16, public="A" * 43 + "="),
            "disk": DiskWatch.objects.create(root="1"),
            "early": EarlyPurge.objects.create(camera=self.far_camera, until=now - HOUR, at=now),
        }
        self.ids |= {name: thing.pk for name, thing in things.items()}
        self.ids["told_provision"] = urgent.pk
        self.ids |= {
            "uid": urlsafe_base64_encode(force_bytes(invited.pk)),
            "token": default_token_generator.make_token(invited),
            "year": now.year,
        }

    def break_glass(self) -> Provision:
        wish = actions.Wish(self.police, [self.camera.pk], ["live"], self.now + HOUR, "to see the scene", self.incident)
        return actions.break_glass(wish, by=self.people["operator"])

    def hold(self) -> Hold:
        return Hold.objects.create(
            period_from=self.now - HOUR,
            period_until=self.now,
            reason=SECRETS[1],
            legal_ground=LegalGround.URGENT,
            document_number="SECRET-PAPER-3",
            agency=self.police,
            owner="x",
            ends_at=self.now + timedelta(days=9),
            review_at=self.now + timedelta(days=2),
            created_by=self.people["administrator"],
        )

    def names(self, role: str) -> SimpleNamespace:
        """What `role` asks for: its own where it has such a thing, else what the police have."""
        return SimpleNamespace(**{**self.ids, **self.ids_of.get(role, {})})
