"""The stories of a day or a week: as a page, a feed and an e-mail, all from one choice.

editions    2026-11-27 or 2026-W48 -> its span of time in the site's zone
contents    store x edition        -> the stories, what grew, the best of each category
mail        a digest as HTML and plain text
delivery    when a digest is due, and for whom
"""

from __future__ import annotations
