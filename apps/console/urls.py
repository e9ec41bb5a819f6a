from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from apps.console import agency_page, checks_page, members_pages, operator_page, person_pages, playback_page, views

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("sign-out/", views.SignOut.as_view(), name="sign_out"),
    # The same two, by the names under which allauth looks for them.
    path("sign-in/", views.SignIn.as_view(), name="account_login"),
    path("sign-out/", views.SignOut.as_view(), name="account_logout"),
    path("pledge/", person_pages.pledge, name="pledge"),
    path("lock/", person_pages.lock, name="lock"),
    path("unlock/", person_pages.unlock, name="unlock"),
    path("checks/", checks_page.page, name="checks"),
    path("checks/findings/<int:finding_id>/", checks_page.sign_off, name="finding_sign_off"),
    path("members/", members_pages.page, name="members"),
    path("members/invite/", members_pages.invite, name="invite"),
    path("members/<int:membership_id>/end/", members_pages.end, name="member_end"),
    path("members/<int:membership_id>/password/", members_pages.new_password, name="member_password"),
    path("welcome/<uidb64>/<token>/", members_pages.Welcome.as_view(), name="welcome"),
    path("me/", person_pages.person, name="person"),
    path("me/password/", person_pages.password, name="password"),
    path("me/sessions/end/", person_pages.end_other_sessions, name="end_other_sessions"),
    path("me/sessions/<int:sign_in_id>/end/", person_pages.end_session, name="end_session"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("service-worker.js", views.service_worker, name="service_worker"),
    path("offline/", views.offline, name="offline"),
    path("demo-call/", views.demo_call, name="demo_call"),
    path("console/", operator_page.operator, name="operator"),
    path("console/queue/", operator_page.queue, name="queue"),
    path("console/work/", operator_page.work, name="work"),
    path("console/alarms/", operator_page.camera_alarms, name="camera_alarms"),
    path("console/search/", operator_page.search, name="search"),
    path("console/advance/", operator_page.advance, name="advance"),
    path("playback/", playback_page.playback, name="playback_page"),
    path("agency/", agency_page.agency, name="agency"),
    path("agency/provisions/", agency_page.provisions, name="agency_provisions"),
]
