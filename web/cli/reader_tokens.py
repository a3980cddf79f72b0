"""`groundswell token`: tokens for reader apps."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aggregator.cli.options import Front, db_option, existing, json_option
from aggregator.site.database import open_store
from web.auth.reader_tokens import make_reader_token, revoke_reader_token


@click.group()
def token() -> None:
    """Make and revoke tokens for reader apps (Google Reader API) and scripts that post entries."""


@token.command("create")
@click.argument("name")
@click.option(
    "--reader", default="", help="Whose marks the token uses: tokens of one reader share read and starred marks."
)
@click.option("--score-in-title", is_flag=True, help="Begin titles with the score, as in `[87] Headline`.")
@click.option(
    "--min-score",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Leave out stories with a lower score.",
)
@click.option("--post", "may_post", is_flag=True, help="Make a token for a script that posts entries; it cannot read.")
@db_option
@json_option
@click.pass_obj
def create(
    front: Front, name: str, reader: str, score_in_title: bool, min_score: int, may_post: bool, db: Path, as_json: bool
) -> None:
    """Make a token and print it once.

    \b
    Example:
      groundswell token create phone
      groundswell token create tablet --score-in-title --min-score 40
      groundswell token create newsletters --post
    """
    with open_store(existing(db)) as store:
        secret, record = make_reader_token(
            store,
            name,
            front.clock(),
            reader=reader,
            score_in_title=score_in_title,
            min_score=min_score,
            may_post=may_post,
        )
    if as_json:
        click.echo(json.dumps({"id": record.token_id, "name": record.name, "token": secret}, ensure_ascii=False))
        return
    click.echo(secret)
    if may_post:
        click.echo("Send it as `Authorization: Bearer ...`. It cannot be shown again.", err=True)
        return
    click.echo(
        "Enter it as the password in the app, with any user name. The server is the site's address followed by "
        "/api/greader.php. The token is stored as a digest and cannot be shown again.",
        err=True,
    )


@token.command("list")
@db_option
@json_option
def list_tokens(db: Path, as_json: bool) -> None:
    """List the tokens.

    \b
    Example:
      groundswell token list
    """
    with open_store(existing(db)) as store:
        tokens = store.reader_tokens.all()
    if as_json:
        rows = [
            {
                "id": record.token_id,
                "name": record.name,
                "reader": record.reader,
                "score_in_title": record.score_in_title,
                "min_score": record.min_score,
                "may_post": record.may_post,
                "made_at": record.made_at.isoformat(),
                "used_at": record.used_at.isoformat() if record.used_at else None,
                "revoked_at": record.revoked_at.isoformat() if record.revoked_at else None,
            }
            for record in tokens
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for item in tokens:
        used = f"last used {item.used_at:%Y-%m-%d}" if item.used_at else "never used"
        kind = "may post" if item.may_post else f"reader {item.reader}"
        state = f"revoked {item.revoked_at:%Y-%m-%d}" if item.revoked_at else used
        click.echo(f"{item.token_id:>4}  {item.name}  ({kind}, made {item.made_at:%Y-%m-%d}, {state})")
    if not tokens:
        click.echo("There are no tokens; `groundswell token create NAME` makes one.", err=True)


@token.command("revoke")
@click.argument("token_id", type=int)
@db_option
@click.pass_obj
def revoke(front: Front, token_id: int, db: Path) -> None:
    """Revoke a token; apps that use it are signed out.

    \b
    Example:
      groundswell token revoke 3
    """
    with open_store(existing(db)) as store:
        record = revoke_reader_token(store, token_id, front.clock())
    click.echo(f"revoked {record.name}")
