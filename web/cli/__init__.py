"""The commands of the site.

site           serve the site alone; replace the operator's token
reader_tokens  tokens for reader apps and scripts
explain        why a story has its score; imported when the command is called, because it loads the scoring model
"""

from __future__ import annotations

import click

from web.cli.reader_tokens import token
from web.cli.site import rotate_token, web

COMMANDS: tuple[click.Command, ...] = (web, rotate_token, token)
