"""The sample edition: what `groundswell demo` plays instead of the world.

`sample/` contains the content, `edition` reads and checks it, `publish` renders the feeds as they are at a given
moment, `server` serves them on loopback. Nothing here knows how entries are polled, grouped or scored.
"""
