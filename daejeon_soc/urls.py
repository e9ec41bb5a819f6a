from allauth.account.views import account_inactive, reauthenticate
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.console import views
from apps.console.health import healthz, metrics
from apps.viewing import verification

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("admin/login/", views.administration_sign_in),
    # A changed password ends the person's other sessions and is on record: by that page only.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/", admin.site.urls),
    path("me/second-factor/", include("apps.agencies.factor_urls")),
    path("sign-in/by/", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("sign-in/by/", include("allauth.socialaccount.urls")),
    path("sign-in/inactive/", account_inactive, name="account_inactive"),
    path("me/again/", reauthenticate, name="account_reauthenticate"),
    path("api/v1/", include("apps.linked_services.urls")),
    path("api/v1/", include("apps.incidents.urls")),
    path("api/v1/", include("apps.cameras.urls")),
    path("api/v1/", include("apps.viewing.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("verify/", verification.verify, name="verify"),
    path("verify/file/", verification.verify_file, name="verify_file"),
    path("verify/check/", verification.check, name="verify_check"),
    path("verify/keys.json", verification.keys, name="verify_keys"),
    path("", include("apps.retention.urls")),
    path("", include("apps.console.urls")),
    path("", include("apps.console.agreement_urls")),
]

handler400 = "daejeon_soc.errors.bad_request"
handler403 = "daejeon_soc.errors.forbidden"
handler404 = "daejeon_soc.errors.not_found"
handler500 = "daejeon_soc.errors.broken"
