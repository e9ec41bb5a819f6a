"""What every recipient is bound to, wherever video is shown or handed over."""

from django.utils.translation import gettext_noop

NOT_TO_BE_PASSED_ON = gettext_noop(
    "This video is given for the stated purpose only. The recipient may not pass it on, publish it or use it for "
    "anything else, keeps it safe, and destroys its copies within five days of the purpose being met "
    "(Personal Information Protection Act, Art. 18(5), 19 and 21)."
)
