"""The words that scripts put on a page, translated where the page is drawn."""

from django.utils.translation import gettext as _


def script_texts() -> dict[str, str]:
    return {
        # a camera's tile
        "tile.connecting": _("Connecting…"),
        "tile.live": _("Live"),
        "tile.delay": _("Live, {seconds} s behind"),
        "tile.stale": _("No new picture for {seconds} s"),
        "tile.skipped": _("Fell behind: {seconds} s were left out"),
        "tile.plain_http": _("This page came without HTTPS: some browsers then show live pictures a little later"),
        "tile.reconnecting": _("Connection lost. Trying again in {seconds} s"),
        "tile.refused": _("Not shown: {reason}"),
        "tile.refused_plain": _("You may not watch this camera now"),
        "tile.unavailable": _("Not available: {reason}"),
        "tile.unavailable_plain": _("The camera is not delivering pictures"),
        "tile.unsupported": _("This browser cannot play {codec}. The recording is not affected."),
        "tile.convert": _("Show a converted picture"),
        "tile.paused": _("Paused while out of sight"),
        "tile.blocked": _("The browser waits for a click before it plays"),
        # connection
        "live.connected": _("Live"),
        "live.age": _("{seconds} s ago"),
        "live.reconnecting": _("Reconnecting…"),
        "live.offline": _("Offline: what you see may be old. Calls are kept and will appear."),
        "live.signed_out": _("Signed out. Sign in again to go on."),
        # sound
        "sound.on": _("Sound on"),
        "sound.off": _("Sound off"),
        "sound.waiting": _("Sound starts after the first key or click"),
        # queue
        "queue.new_call": _("New urgent call: {what}, {where}"),
        "queue.changed": _("{number} has changed"),
        # map
        "map.zoom_in": _("Zoom in"),
        "map.zoom_out": _("Zoom out"),
        "map.ring": _("{metres} m"),
        "map.no_shapes": _("District shapes could not be loaded"),
        "map.camera": _("Camera {number}"),
        # clips
        "clip.queued": _("Waiting: number {position} in the queue"),
        "clip.cutting": _("Being made, {percent}%"),
        "clip.refused": _("Not made: {reason}"),
        # looking back
        "past.loading": _("Loading…"),
        "past.gap": _("Nothing recorded from {from} until {to} ({length})"),
        "past.gap_from": _("Nothing recorded from {from} on"),
        "past.gap_until": _("Nothing recorded until {to}"),
        "past.nothing": _("Nothing recorded"),
        "past.gap_short": _("gap {length}"),
        "past.deleted": _("Deleted on {date}: kept {days} days"),
        "past.deleted_short": _("deleted"),
        "past.edge": _("This moment is still being recorded. It can be watched in a few seconds."),
        "past.outside": _("This time is not provided."),
        "past.unsupported": _("Recorded in {codec}, which this browser cannot play. A viewing copy plays everywhere."),
        "past.converted": _("Recorded, converted"),
        "past.offline": _("No connection. What is loaded can still be watched."),
        "past.error": _("The recording could not be loaded. Trying again."),
        # anything
        "error.network": _("The server did not answer. Nothing was changed; try again."),
        "error.server": _("Something went wrong on our side. Nothing was changed; it has been written down."),
    }
