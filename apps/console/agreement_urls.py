"""Agreements and provisions: pages to read, sign, ask, provide and answer for."""

from django.urls import path

from apps.console import (
    agreement_pages,
    answer_pages,
    hit_rate_page,
    owner_page,
    provision_pages,
    register_pages,
    simulator_page,
    viewers_page,
)

urlpatterns = [
    path("agreements/", agreement_pages.list_page, name="agreements"),
    path("agreements/<int:agreement_id>/", agreement_pages.page, name="agreement"),
    path("agreements/<slug:kind>/<int:agreement_id>/", agreement_pages.page, name="agreement_of_kind"),
    path("agreements/<slug:kind>/<int:agreement_id>/sign/", agreement_pages.sign, name="agreement_sign"),
    path("agreements/<slug:kind>/<int:agreement_id>/scan/", agreement_pages.scan, name="agreement_scan"),
    path("console/provisions/", provision_pages.list_page, name="provisions"),
    path("console/provisions/new/", provision_pages.provide, name="provide"),
    path("console/provisions/<int:provision_id>/", provision_pages.page, name="provision"),
    path("console/provisions/<int:provision_id>/<slug:verb>/", provision_pages.change, name="provision_change"),
    path("console/requests/", provision_pages.requests_page, name="requests"),
    path("console/requests/<int:request_id>/", provision_pages.request_page, name="request"),
    path("console/break-glass/", provision_pages.reviews_page, name="urgent_reviews"),
    path("console/break-glass/<int:review_id>/", provision_pages.review, name="urgent_review"),
    path("agency/requests/", answer_pages.requests_page, name="agency_requests"),
    path("agency/requests/<int:request_id>/withdraw/", answer_pages.withdraw, name="request_withdraw"),
    path("agency/results/", answer_pages.answers_page, name="agency_answers"),
    path("agency/results/<int:provision_id>/", answer_pages.result, name="use_result"),
    path("agency/copies/<int:copy_id>/destroyed/", answer_pages.destroyed, name="copy_destroyed"),
    path("agency/cameras/", owner_page.page, name="own_cameras"),
    path("agency/cameras/<int:camera_id>/", owner_page.share, name="camera_sharing"),
    path("console/who-saw/", viewers_page.page, name="who_saw"),
    path("console/simulator/", simulator_page.page, name="simulator"),
    path("console/register/", register_pages.register, name="register"),
    path("console/register/<slug:form>/", register_pages.register_file, name="register_file"),
    path("hit-rate/", hit_rate_page.page, name="hit_rate"),
    path("hit-rate.csv", hit_rate_page.table, name="hit_rate_table"),
    path("published/", register_pages.published, name="published"),
    path("published/<int:year>/", register_pages.published, name="published_year"),
    path("published/<int:year>.csv", register_pages.published_csv, name="published_csv"),
]
