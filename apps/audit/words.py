from django.apps import apps
from django.conf import settings
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

AGREEMENTS = {"mou": _("MOU"), "integration": _("Integration agreement")}
STEPS = {
    "added": _("written"),
    "changed": _("changed"),
    "review": _("passes review"),
    "send_back": _("sent back"),
    "consent": _("a party consents"),
    "hold_out": _("a party withholds its consent"),
    "sign": _("concluded"),
    "suspend": _("suspended"),
    "resume": _("in force again"),
    "revoke": _("terminated"),
    "amended": _("new version begun"),
}
# What stands in the audit, as people read it. Machines are given the codes.
VERBS = {
    "person.signed_in": _("Sign-in"),
    "person.signed_out": _("Sign-out"),
    "person.sign_in_failed": _("Sign-in failed"),
    "person.session_ended": _("Session ended"),
    "person.locked": _("Screen locked"),
    "person.unlocked": _("Screen unlocked"),
    "person.proved": _("Showed again who they are"),
    "person.pledged": _("Confidentiality pledged"),
    "person.identity_linked": _("Outside account linked"),
    "person.identity_refused": _("Sign-in by an outside account refused"),
    "person.identity_failed": _("Sign-in by an outside account failed"),
    "person.second_factor_added": _("Second factor added"),
    "person.second_factor_removed": _("Second factor removed"),
    "person.second_factor_taken": _("Second factor taken away"),
    "person.second_factor_failed": _("Second factor wrong"),
    "person.recovery_codes_renewed": _("Recovery codes renewed"),
    "person.password_changed": _("Password changed"),
    "person.password_given": _("Password given by the centre"),
    "person.password_taken": _("Password made void"),
    "person.invited": _("Person invited"),
    "person.disabled": _("Person disabled"),
    "person.searched": _("Person searched for"),
    "person.given_every_right": _("Every right given to an account, at the machine"),
    "factors.encrypted_anew": _("Second factors and passwords encrypted anew"),
    "access.refused": _("Access refused"),
    "step.refused": _("Step refused"),
    "unusual.views": _("Unusually many pictures opened"),
    "unusual.refusals": _("Unusually many refusals"),
    "unusual.sign_ins": _("Unusually many failed sign-ins"),
    "unusual.calls": _("More calls than allowed"),
    "unusual.rights": _("Supervisors told of an account with every right"),
    "paper.infected": _("Virus found in a paper"),
    "paper.not_scanned": _("Paper refused: the virus scanner did not answer"),
    "member.enrolled": _("Member enrolled"),
    "member.dismissed": _("Membership ended"),
    "member.proposed": _("Role proposed"),
    "member.not_seconded": _("Proposed role refused"),
    "member.rank_named": _("Rank of a member changed"),
    "user.added": _("Person added"),
    "user.changed": _("Person changed"),
    "group.added": _("Group added"),
    "group.changed": _("Group changed"),
    "agency.added": _("Agency added"),
    "agency.changed": _("Agency changed"),
    "apikey.issued": _("API key issued"),
    "apikey.rotated": _("API key rotated"),
    "apikey.revoked": _("API key revoked"),
    "apikey.refused": _("API key refused"),
    "site.added": _("Site added"),
    "site.changed": _("Site changed"),
    "camera.added": _("Camera added"),
    "camera.changed": _("Camera changed"),
    "camera.kept_back": _("Camera kept back by its owner"),
    "camera.shared_again": _("Camera shared again by its owner"),
    "camera.view_accepted": _("New view of a camera accepted"),
    "district.changed": _("District changed"),
    "dong.changed": _("Dong changed"),
    "cameras.imported": _("Register of cameras read in"),
    "cameras.exported": _("Register of cameras exported"),
    "cameras.boundaries_loaded": _("Boundaries read in"),
    "incident.received": _("Call received"),
    "call.refused": _("Call turned away"),
    "incident.advanced": _("Incident moved on"),
    "clip.ordered": _("Clip ordered"),
    "clip.ready": _("Clip made"),
    "clip.failed": _("Clip could not be made"),
    "clip.cancelled": _("Order of a clip cancelled"),
    "clip.lost": _("Clip lost in a power cut, to be made again"),
    "copy.destroyed": _("Provided copy destroyed at the centre"),
    "copy.destruction_confirmed": _("Destruction confirmed by the recipient"),
    "signing_key.made": _("Signing key made"),
    "signing_key.rotated": _("Signing key rotated"),
    "signing_key.disowned": _("Signing key disowned"),
    "agreement.ending": _("Agreement ends soon"),
    "owner.joined": _("Owner joined the centre"),
    "owner.left": _("Owner left the centre"),
    "right.given": _("Standing right given"),
    "right.taken": _("Standing right taken away"),
    "request.asked": _("Request made"),
    "request.approved": _("Request approved"),
    "request.denied": _("Request denied"),
    "request.withdrawn": _("Request withdrawn"),
    "request.provided": _("Provided at a request"),
    "request.overdue": _("Answer to a request overdue"),
    "provision.opened": _("Provision opened"),
    "provision.extended": _("Provision extended"),
    "provision.narrowed": _("Provision narrowed"),
    "provision.revoked": _("Provision revoked"),
    "provision.result": _("The agency reports its use"),
    "urgent.reviewed": _("Break-glass reviewed"),
    "urgent.overdue": _("Review of a break-glass overdue"),
    "answers.owed": _("Result or destruction overdue"),
    "view.opened": _("View opened"),
    "view.extended": _("View extended"),
    "view.refused": _("View refused"),
    "bookmark.made": _("Moment marked"),
    "bookmark.taken_back": _("Mark taken back"),
    "access_log.checked": _("Access log looked through"),
    "access_log.signed_off": _("Finding in the access log signed off"),
    "viewers.asked": _("Asked who saw a camera"),
    "register.exported": _("Register exported"),
    "simulation.run": _("Agreements simulated"),
    "hold.placed": _("Hold placed"),
    "hold.complete": _("Held video is copied"),
    "hold.reviewed": _("Hold reviewed"),
    "hold.review_due": _("Hold to be reviewed"),
    "hold.released": _("Hold released"),
    "hold.ended": _("Hold ended"),
    "hold.damaged": _("Held video is damaged"),
    "hold.destroyed": _("Held video destroyed"),
    "hold.certified": _("Destruction of held video certified"),
    "video.purged": _("Recordings purged"),
    "video.purged_early": _("Recordings purged before their time: the disk is full"),
    "video.lost": _("Recordings lost"),
    "video.damaged": _("A recording is not what was recorded"),
    "storage.differs": _("Recordings and their index differ"),
    "storage.mended": _("Index of recordings mended"),
    "storage.mended_beyond_limit": _("Mending beyond the limit confirmed"),
    "disk.level": _("Room for recordings has changed"),
} | {
    f"{agreement}.{step}": format_lazy("{}: {}", kind, words)
    for agreement, kind in AGREEMENTS.items()
    for step, words in STEPS.items()
}


def verb_words(verb: str) -> str:
    return str(VERBS.get(verb, verb))


def target_words(target: str) -> str:
    """What an entry concerns, kept as "agencies.user:12", as people read it."""
    label, _colon, key = target.partition(":")
    try:
        return f"{capfirst(apps.get_model(label)._meta.verbose_name)} {key}"
    except (LookupError, ValueError):
        return target


def on_record(text: str) -> str:
    """`text`, marked with gettext_noop, as records keep it: in the city's language, whoever acts."""
    with override(settings.LANGUAGE_CODE):
        return gettext(text)
