"""Everything a city may set comes from the environment; `.env.example` documents each name.

Order of precedence: the process environment, `.env`, then `var/city.env`, which `make run`
writes so that `manage.py` in a second shell finds the running city.
"""

import re
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
env.read_env(VAR_DIR / "city.env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("SECRET_KEY must hold at least 40 characters: `make run` writes one to var/city.env")
# Older ones that still open what they signed and encrypted (docs/keys.md).
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The demonstration city is served over plain HTTP on the loopback address; a real one is not.
PLAIN_HTTP = env.bool("PLAIN_HTTP", default=False)
# A demonstration: virtual cameras stand for real ones, and the demo sign-ins are shown.
DEMO = env.bool("DEMO", default=False)
if not set(ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]"}:
    for _name in ("DEBUG", "PLAIN_HTTP", "DEMO"):
        if vars()[_name]:
            raise ImproperlyConfigured(f"{_name} is for this machine only: ALLOWED_HOSTS names other addresses")
    if any(host.startswith("*") or host == "." for host in ALLOWED_HOSTS):
        raise ImproperlyConfigured("ALLOWED_HOSTS may not be *: name the addresses of this centre")

# --- the city ---------------------------------------------------------------
CITY = {
    "name_ko": env.str("CITY_NAME_KO", default="대전광역시"),
    "name_en": env.str("CITY_NAME_EN", default="Daejeon"),
    # Code of the province or metropolitan city in the Korean register of boundaries: 30 is Daejeon.
    "region_code": env.str("CITY_REGION_CODE", default="30"),
    "centre": tuple(env.list("CITY_CENTRE", cast=float, default=[127.3845, 36.3504])),  # lon, lat
    "centre_agency": env.str("CITY_CENTRE_AGENCY", default="centre"),
    "retention_days": env.int("CITY_RETENTION_DAYS", default=30),
    "phone": env.str("CITY_PHONE", default="042-270-0000"),
}
MAP_TILES_URL = env.str("MAP_TILES_URL", default="")
MAP_ATTRIBUTION = env.str("MAP_ATTRIBUTION", default="")

# --- applications -----------------------------------------------------------
INSTALLED_APPS = [
    # Only `runserver` needs it: it would cost every other process a third of its start.
    *(["daphne"] if "runserver" in sys.argv else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "channels",
    "rest_framework",
    "rest_framework_gis",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "guardian",
    "leaflet",
    "django_htmx",
    "csp",
    "apps.audit",
    "apps.agencies",
    "apps.cameras",
    "apps.video",
    "apps.incidents",
    "apps.mous",
    "apps.viewing",
    "apps.linked_services",
    "apps.retention",
    "apps.showroom",
    "apps.console",
]
if sys.argv[0].endswith("manage.py") and sys.argv[1:2] == ["record"]:
    # Recorders are many, and most of such a process would be code that it never runs: 59 of 142 MB.
    RECORDERS_NEED = {"auth", "contenttypes", "sessions", "gis", "audit", "agencies", "cameras", "video"}
    INSTALLED_APPS = [app for app in INSTALLED_APPS if app.rpartition(".")[2] in RECORDERS_NEED]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.agencies.middleware.leave_no_copy",
    "apps.audit.middleware.remember_address",
    "apps.console.middleware.refuse_zeros",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.agencies.middleware.settle_first",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "daejeon_soc.urls"
WSGI_APPLICATION = "daejeon_soc.wsgi.application"
ASGI_APPLICATION = "daejeon_soc.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.console.context_processors.city",
            ],
        },
    },
]

# --- database and Redis -----------------------------------------------------
# The application signs in as a role that owns nothing; `migrate` and the tests as the owner.
_owner = (len(sys.argv) > 1 and sys.argv[1] in {"migrate", "load_sample_city"}) or "pytest" in sys.modules
DATABASES = {
    "default": {
        **env.db("OWNER_DATABASE_URL" if _owner and "OWNER_DATABASE_URL" in env else "DATABASE_URL"),
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=0),
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": env.str("TEST_DATABASE_NAME", default="test_soc")},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "soc"},
    },
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
# Clips have workers of their own, at the lowest priority: whatever is ordered, calls and purges do not wait for it.
CELERY_TASK_ROUTES = {"apps.video.tasks.cut_clips": {"queue": "clips"}}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
CELERY_BEAT_SCHEDULE: dict[str, dict] = {
    "tidy-sign-ins": {"task": "apps.agencies.tasks.tidy_sign_ins", "schedule": 3600},
    "seal-audit": {"task": "apps.audit.tasks.seal_newest", "schedule": 5},
    "seal-stragglers": {"task": "apps.audit.tasks.seal_stragglers", "schedule": 24 * 3600},
    "mark-audit-checkpoint": {"task": "apps.audit.tasks.mark_checkpoint", "schedule": 3600},
    "record-repeated-refusals": {"task": "apps.audit.tasks.record_repeats", "schedule": 60},
    "forward-audit-to-siem": {"task": "apps.audit.tasks.forward_to_siem", "schedule": 10},
    "look-after-clips": {"task": "apps.video.tasks.look_after_clips", "schedule": 5},
    "keep-partitions": {"task": "apps.video.tasks.keep_partitions", "schedule": 3600},
    "look-for-the-unusual": {"task": "apps.viewing.tasks.look_for_the_unusual", "schedule": 60},
    "check-complete-months": {"task": "apps.viewing.tasks.check_complete_months", "schedule": 24 * 3600},
    "purge": {"task": "apps.retention.tasks.purge", "schedule": 3600},
    "watch-disk": {"task": "apps.retention.tasks.watch_disk", "schedule": 15},
    "tier": {"task": "apps.retention.tasks.tier", "schedule": 300},
    "tier-everything": {"task": "apps.retention.tasks.tier", "schedule": 86_400, "kwargs": {"everything": True}},
    "reconcile": {"task": "apps.retention.tasks.reconcile", "schedule": 60},
    "keep-holds": {"task": "apps.retention.tasks.keep_holds", "schedule": 60},
    "remind-of-endings": {"task": "apps.mous.tasks.remind_of_endings", "schedule": 3600},
    "chase-answers": {"task": "apps.mous.tasks.chase", "schedule": 600},
    "destroy-due-copies": {"task": "apps.retention.tasks.destroy_due_copies", "schedule": 120},
    "note-unrecorded-cameras": {"task": "apps.video.tasks.note_unrecorded_cameras", "schedule": 15},
    "raise-alarms-of-recording": {"task": "apps.video.tasks.raise_alarms_of_recording", "schedule": 5},
}

# --- audit ------------------------------------------------------------------
# Signed marks of the audit chain. Put the file on another machine's disk.
AUDIT_CHECKPOINTS = Path(env.str("AUDIT_CHECKPOINTS", default=str(VAR_DIR / "audit" / "checkpoints.jsonl")))
# Where the city collects security events: udp://, tcp:// or tls://host:port; empty for nowhere.
SIEM_ADDRESS = env.str("SIEM_ADDRESS", default="")
if SIEM_ADDRESS and not re.fullmatch(r"(udp|tcp|tls)://[^/:]+(:\d{1,5})?", SIEM_ADDRESS):
    raise ImproperlyConfigured("SIEM_ADDRESS must be udp://, tcp:// or tls://, a host and a port")

# --- people -----------------------------------------------------------------
AUTH_USER_MODEL = "agencies.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
PASSWORD_HASHERS = ["apps.agencies.hashers.Locked", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "apps.agencies.passwords.StrengthValidator"},
    {"NAME": "apps.agencies.passwords.MaximumLengthValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 3600  # the link by which a new member sets a password
# Ten wrong passwords for a name from one address: neither is tried again for ten minutes. Not by name alone, or a
# stranger could keep an operator out.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=10)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "apps.agencies.sign_ins.name_tried"
AXES_CLIENT_IP_CALLABLE = "apps.audit.middleware.address_of"
AXES_LOCKOUT_CALLABLE = "apps.console.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # our own audit has it
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Who may see video signs in with a second factor. The demonstration's people have a password alone.
SECOND_FACTOR = env.bool("SECOND_FACTOR", default=not DEMO)
ACCOUNT_ADAPTER = "apps.agencies.second_factor.Accounts"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Agencies whose people sign in at home: [{"id", "name", "url", "client_id", "secret", "agency"}].
IDENTITY_PROVIDERS = env.json("IDENTITY_PROVIDERS", default=[])
for _provider in IDENTITY_PROVIDERS:
    if missing := {"id", "name", "url", "client_id", "secret", "agency"} - set(_provider):
        raise ImproperlyConfigured(f"IDENTITY_PROVIDERS: one of them has no {', '.join(sorted(missing))}")
SOCIALACCOUNT_ADAPTER = "apps.agencies.identities.Identities"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = ""
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": each["id"],
                "name": each["name"],
                "client_id": each["client_id"],
                "secret": each["secret"],
                "settings": {"server_url": each["url"]},
            }
            for each in IDENTITY_PROVIDERS
        ],
    }
}
MFA_ADAPTER = "apps.agencies.second_factor.Factors"
MFA_FORMS = {
    "add_webauthn": "apps.agencies.passkey_forms.Add",
    "authenticate_webauthn": "apps.agencies.passkey_forms.Authenticate",
    "login_webauthn": "apps.agencies.passkey_forms.Login",
    "reauthenticate_webauthn": "apps.agencies.passkey_forms.Reauthenticate",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# The domain that passkeys are made for; empty for the host that a page is asked for by.
PASSKEY_DOMAIN = env.str("PASSKEY_DOMAIN", default="")
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
SESSION_COOKIE_AGE = 13 * 3600  # one 12-hour shift and its hand-over
# Beyond these the oldest session of a person ends.
SESSIONS_PER_PERSON = env.int("SESSIONS_PER_PERSON", default=5)
# A screen that nobody has touched for so long is locked.
IDLE_LOCK_MINUTES = env.int("IDLE_LOCK_MINUTES", default=30)
# Before what gives rights or binds the centre, who has not shown for so long who they are is asked again. The
# demonstration's people are signed in by a button, and know no password.
ASK_AGAIN_MINUTES = env.int("ASK_AGAIN_MINUTES", default=24 * 60 if DEMO else 10)
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- safety -----------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not PLAIN_HTTP
if not PLAIN_HTTP:
    # By such a name a browser takes a cookie from this very host only, not from a neighbour of its domain.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
CSRF_FAILURE_VIEW = "daejeon_soc.errors.forged"
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]  # asked from inside, past the TLS front
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_PROXY_SSL_HEADER = None if PLAIN_HTTP else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576


def _origin(address: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(address))


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *env.list("MAP_TILES_HOSTS", default=[])],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        # A form that leads to a provider's sign-in counts as sent there, in Chromium.
        "form-action": ["'self'", *sorted({_origin(each["url"]) for each in IDENTITY_PROVIDERS})],
    },
}
SILENCED_SYSTEM_CHECKS = [
    "gis.W001",  # Debian 12 ships GDAL 3.6
]
if PLAIN_HTTP:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# --- language, time, files --------------------------------------------------
LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", _("Korean")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["daejeon_soc.formats"]
TIME_ZONE = env.str("CITY_TIME_ZONE", default="Asia/Seoul")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        (f"vendor/{name}", NODE_MODULES / folder)
        for name, folder in (
            ("pretendard", "pretendard/dist/web/variable"),
            ("idiomorph", "idiomorph/dist"),
            ("noble-hashes", "@noble/hashes"),
            ("zxcvbn-core", "@zxcvbn-ts/core/dist"),
            ("zxcvbn-common", "@zxcvbn-ts/language-common/dist"),
            ("zxcvbn-english", "@zxcvbn-ts/language-en/dist"),
        )
        if (NODE_MODULES / folder).is_dir()  # pages work without: the system's typeface, whole-page refreshes
    ),
]

VIDEO_ROOT = Path(env.str("VIDEO_ROOT", default=str(VAR_DIR / "video")))
CLIP_ROOT = Path(env.str("CLIP_ROOT", default=str(VAR_DIR / "clips")))
# Clips made at the same time, in the whole city: more would take disk and processor from the recorder.
CLIPS_AT_ONCE = env.int("CLIPS_AT_ONCE", default=2)
# Signs clips; only those who make clips read it (docs/keys.md).
SIGNING_KEY_FILE = Path(env.str("SIGNING_KEY_FILE", default=str(VAR_DIR / "keys" / "manifest.pem")))
# The typeface of the words in viewing copies: one that has the city's letters.
BURNED_IN_FONT = Path(
    env.str("BURNED_IN_FONT", default=str(NODE_MODULES / "pretendard/dist/public/static/Pretendard-SemiBold.otf"))
)
# How full the disk of the recordings may be (percent): the centre is told at each level. From the second on the
# oldest recordings go early when less than DISK_HOURS_LEFT of recording would fit.
DISK_CAUTION_PERCENT = env.float("DISK_CAUTION_PERCENT", default=85)
DISK_SERIOUS_PERCENT = env.float("DISK_SERIOUS_PERCENT", default=92)
DISK_CRITICAL_PERCENT = env.float("DISK_CRITICAL_PERCENT", default=96)
DISK_HOURS_LEFT = env.float("DISK_HOURS_LEFT", default=6)
if not 0 < DISK_CAUTION_PERCENT < DISK_SERIOUS_PERCENT < DISK_CRITICAL_PERCENT <= 100:
    raise ImproperlyConfigured("DISK_CAUTION_PERCENT, DISK_SERIOUS_PERCENT, DISK_CRITICAL_PERCENT must rise, up to 100")
# Recordings take no more than this where they share a disk with others; 0: all that the disk has.
VIDEO_QUOTA_BYTES = env.int("VIDEO_QUOTA_BYTES", default=0)
# Closed recordings may move to an S3-compatible object store (docs/storage.md); without an address there is none.
OBJECTS_URL = env.str("OBJECTS_URL", default="")
# Hours after which a recording moves there; before, it stays on this machine's disk.
TIER_AFTER_HOURS = env.float("TIER_AFTER_HOURS", default=24)
TIER_AT_ONCE = env.int("TIER_AT_ONCE", default=4)
# What was read from there lately stays on this machine, up to so much and for an hour at most.
OBJECTS_CACHE_BYTES = env.int("OBJECTS_CACHE_BYTES", default=2 * 1024**3)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if OBJECTS_URL:
    from botocore.config import Config  # 30 MB that only such a city pays for

    STORAGES["recordings"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "endpoint_url": OBJECTS_URL,
            "bucket_name": env.str("OBJECTS_BUCKET", default="recordings"),
            "access_key": env.str("OBJECTS_KEY"),
            "secret_key": env.str("OBJECTS_SECRET"),
            "region_name": env.str("OBJECTS_REGION", default="us-east-1"),
            "client_config": Config(
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 3},
                # Not every store knows the newer sums; ours are checked in apps/video/storage.py.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        },
    }
# Files go out by the front server after the gate said yes (X-Accel-Redirect).
PROTECTED_URL = "/protected/"
# Where a recorder listens for live readers, and where those on other hosts find it.
RECORDER_HOST = env.str("RECORDER_HOST", default="127.0.0.1")
if RECORDER_HOST in ("", "0.0.0.0", "::", "*"):  # noqa: S104 - refused
    raise ImproperlyConfigured("RECORDER_HOST is the one address at which other hosts reach this recorder")
# Ports from-to, of which each recorder process takes a free one, for a firewall to know; 0: any.
_first, _, _last = env.str("RECORDER_PORTS", default="0").partition("-")
if not (_first.isdecimal() and (_last or _first).isdecimal() and int(_first) <= int(_last or _first) < 65_536):
    raise ImproperlyConfigured("RECORDER_PORTS is a port or a range such as 18600-18609")
RECORDER_PORTS = range(int(_first), int(_last or _first) + 1)
RECORDER_SECRET = env.str("RECORDER_SECRET", default=SECRET_KEY)
if len(RECORDER_SECRET) < 40:
    raise ImproperlyConfigured("RECORDER_SECRET must hold at least 40 characters")
# Cameras one recorder process may hold; more than that want another process.
RECORDER_CAPACITY = env.int("RECORDER_CAPACITY", default=100)
# Cameras converted at once for browsers that cannot play H.265; each takes up to a core.
CONVERSIONS_AT_ONCE = env.int("CONVERSIONS_AT_ONCE", default=2)

# ClamAV's clamd, which papers go past before they are kept: unix:///run/clamav/clamd.ctl or tcp://host:3310.
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", default="")
if CLAMD_ADDRESS and not re.fullmatch(r"unix:///.+|tcp://[^/]+", CLAMD_ADDRESS):
    raise ImproperlyConfigured("CLAMD_ADDRESS is unix:///path/to/clamd.ctl or tcp://host:3310")

# --- provision to agencies --------------------------------------------------
# Days after its end by which an agency says what came of a provision, and how many it may owe before it gets no
# new clips. Hours in which the centre answers a request.
USE_RESULT_DAYS = env.int("USE_RESULT_DAYS", default=7)
UNREPORTED_RESULTS_LIMIT = env.int("UNREPORTED_RESULTS_LIMIT", default=10)
REQUEST_ANSWER_HOURS = env.int("REQUEST_ANSWER_HOURS", default=24)
# Reminders by mail go nowhere until a mail server is named: smtp+tls://user:password@host:587
vars().update(env.email("EMAIL_URL", default="dummymail://"))
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="soc@localhost")

# How pages show live pictures: webcodecs where the browser has it (quicker), or mse everywhere.
LIVE_BY = env.str("LIVE_BY", default="webcodecs")
if LIVE_BY not in ("mse", "webcodecs"):
    raise ImproperlyConfigured("LIVE_BY must be mse or webcodecs")

# --- API --------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.agencies.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "apps.agencies.authentication.KeyScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.agencies.json_bodies.BoundedJson"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.agencies.refusals.answer",
}
INTAKE_RATE = env.int("INTAKE_RATE", default=600)
# Pictures that one party opens in ten minutes, and refusals or failed sign-ins, above which supervisors are told.
UNUSUAL_VIEWS = env.int("UNUSUAL_VIEWS", default=300)
UNUSUAL_REFUSALS = env.int("UNUSUAL_REFUSALS", default=30)
SPECTACULAR_SETTINGS = {
    "TITLE": "daejeon_soc",
    "VERSION": "1",
    "DESCRIPTION": "Keys, signed requests and sockets are explained in docs/api.md, which comes with the software.",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["apps.agencies.schema.describe_refusals"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LEAFLET_CONFIG = {
    "DEFAULT_CENTER": (CITY["centre"][1], CITY["centre"][0]),
    "DEFAULT_ZOOM": 13,
    "MIN_ZOOM": 10,
    "MAX_ZOOM": 19,
    "TILES": [("", MAP_TILES_URL, {"attribution": MAP_ATTRIBUTION})] if MAP_TILES_URL else [],
    "RESET_VIEW": False,
    "NO_GLOBALS": True,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"axes": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
