"""What gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessionsite.settings")

application = get_wsgi_application()

# The first visitor need not wait until all views are imported.
_ = get_resolver().url_patterns
# Nor anybody, now and then, for the garbage collector to go through the whole program: 60 ms.
gc.collect()
gc.freeze()
