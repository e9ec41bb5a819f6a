from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.console.health import healthz, metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("apps.linked_services.urls")),
    path("api/v1/", include("apps.incidents.urls")),
    path("api/v1/", include("apps.cameras.urls")),
    path("api/v1/", include("apps.viewing.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("apps.retention.urls")),
    path("", include("apps.console.urls")),
    path("", include("apps.console.agreement_urls")),
]
