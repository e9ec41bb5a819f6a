"""Agreements and provisions: pages to read, sign, ask, provide and answer for."""

from django.urls import path

from apps.console import agreement_pages

urlpatterns = [
    path("agreements/", agreement_pages.list_page, name="agreements"),
    path("agreements/<int:agreement_id>/", agreement_pages.page, name="agreement"),
    path("agreements/<slug:kind>/<int:agreement_id>/", agreement_pages.page, name="agreement_of_kind"),
    path("agreements/<slug:kind>/<int:agreement_id>/sign/", agreement_pages.sign, name="agreement_sign"),
    path("agreements/<slug:kind>/<int:agreement_id>/scan/", agreement_pages.scan, name="agreement_scan"),
]
