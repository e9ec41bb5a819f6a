import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "daejeon_soc.settings")

application = get_wsgi_application()

# What is loaded now stays for good: a full collection need not walk it in the middle of a call.
gc.collect()
gc.freeze()
