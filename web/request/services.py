"""The services of an application, as one typed object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app

if TYPE_CHECKING:
    from aggregator.polling.source_health import Alarm
    from scoring.meaning.search import QueryEncoder
    from web.auth.credentials import Authenticator
    from web.auth.rate_limit import RateLimit
    from web.auth.reader_tokens import ReaderAuthenticator
    from web.http.addresses import SiteAddresses
    from web.http.database import Reading
    from web.http.headers import Say
    from web.http.request_metrics import RequestMetrics
    from web.http.visit_counter import VisitCounter
    from web.media.picture_proxy import PictureProxy

_KEY = "groundswell"


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one application."""

    database: Reading
    credentials: Authenticator
    reader_authenticator: ReaderAuthenticator
    visits: VisitCounter
    pictures: PictureProxy
    addresses: SiteAddresses
    alarm: Alarm
    worker_silent_after: timedelta
    """Time without a heartbeat after which the worker counts as not running."""
    feeds_file: Path | None
    """feeds.yaml, None if the operator does not edit it here."""
    request_metrics: RequestMetrics
    hub_requests: RateLimit
    """Requests to the WebSub hub by client."""
    query_encoder: QueryEncoder
    """For search by meaning."""
    api: Any
    """flask-smorest's description of the API; the library has no types."""
    say: Say
    """Words a message of the layers in front of Flask."""

    def close(self) -> None:
        """Write pending counts, and close the database."""
        self.visits.close()
        self.pictures.close()
        self.query_encoder.close()
        self.database.close()


def provide(app: Flask, services: Services) -> None:
    """Set the services of an application."""
    app.extensions[_KEY] = services


def services(app: Flask | None = None) -> Services:
    """Return the services of *app*, by default those of the request's application."""
    registered: Services = (app or current_app).extensions[_KEY]
    return registered
