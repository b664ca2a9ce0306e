"""All addresses of the site."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from . import accounts, views

admin.site.site_title = admin.site.site_header = "LLM Sessions"
admin.site.index_title = "All tables"

people = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/<str:uidb64>/<str:token>/", views.sign_in_link, name="sign-in-link"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("account/", accounts.account, name="account"),
    path("account/password/", accounts.change_password, name="password"),
    path("preferences/", accounts.set_preferences, name="preferences"),
    path("theme/", accounts.set_preferences, name="theme"),  # the footer's, on every page
]
machines = [
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("favicon.ico", views.favicon),
]
urlpatterns = [
    path("", include("conversations.urls")),
    path("", include("analytics.urls")),
    path("", include("maintenance.urls")),
    *people,
    *machines,
    path("admin/login/", views.admin_sign_in),
    path("admin/", admin.site.urls),
]

handler400 = views.bad_request
handler403 = views.not_allowed
handler404 = views.not_found
handler500 = views.server_error
