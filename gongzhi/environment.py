"""The environment variables that gongzhi honours, checked before anything starts."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEMO_PASSWORD = "linjiang-demo"  # noqa: S105 – printed at the start, for trials only
DEMO_ACCOUNTS = ("operator", "dispatcher", "worker", "supervisor", "leader", "administrator", "gridworker")
_PACKS = Path(__file__).resolve().parent.parent / "cities"


class EnvironmentInvalid(ValueError):
    """A variable has a value that cannot work; the sentence names it and the fix."""


@dataclass(frozen=True, slots=True)
class EmailServer:
    """Where mails are handed over (RFC 5321)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    starttls: bool
    tls: bool


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An OpenID Connect provider with which people may sign in."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name: str


@dataclass(frozen=True)
class Environment:
    """Checked settings; every field says which variable it comes from."""

    home: Path
    """GONGZHI_HOME: where all data lives; default ./var."""
    port: int
    """PORT: where the web server listens; default 8000."""
    host: str
    """HOST: the address it listens on; default 127.0.0.1, so that only a proxy on this machine reaches it."""
    web_processes: int
    """GONGZHI_WEB_PROCESSES: how many processes answer requests; default 2."""
    part: str
    """GONGZHI_PART: which part of the system this process is, set by the launcher: web, worker or nothing."""
    database_url: str = field(repr=False)
    """DATABASE_URL: a PostgreSQL to use instead of the embedded one."""
    production: bool
    """GONGZHI_PRODUCTION=1: refuse whatever is only fit for a trial."""
    debug: bool
    """GONGZHI_DEBUG=1: for developers, never with GONGZHI_PRODUCTION."""
    testing: bool
    """GONGZHI_TESTING=1: set by the tests."""
    rate_limits: bool
    """GONGZHI_RATE_LIMITS=off: for load tests on loopback only."""
    public_url: str
    """GONGZHI_PUBLIC_URL: the address that people use, for links, receipts and QR codes."""
    allowed_hosts: list[str]
    """GONGZHI_ALLOWED_HOSTS: comma-separated host names."""
    trusted_proxies: int
    """GONGZHI_TRUSTED_PROXIES: how many proxies in front set X-Forwarded-For; default 0."""
    city_pack: Path
    """GONGZHI_CITY: folder of the city pack; default the demo city."""
    demo_matters: int
    """GONGZHI_DEMO: how many invented matters fill the city on its first start; default 5000, none
    in production and none for a pack without a folder `matters`."""
    log_level: str
    """GONGZHI_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""
    ledger_origin: str
    """GONGZHI_LEDGER_ORIGIN: the name of the log in its checkpoints."""
    metrics_token: str = field(repr=False)
    """GONGZHI_METRICS_TOKEN: lets a monitor on another machine read /metrics."""
    email: EmailServer | None
    """EMAIL_URL: smtp://user:password@host:587/?tls=1 (or smtps://); without it mails are files in the home."""
    from_email: str
    """GONGZHI_FROM_EMAIL: the sender of mails."""
    identity_provider: IdentityProvider | None
    """GONGZHI_OIDC_ISSUER, GONGZHI_OIDC_CLIENT_ID, GONGZHI_OIDC_SECRET and GONGZHI_OIDC_NAME: who else vouches for people."""
    outgoing_allowed: list[str]
    """GONGZHI_OUTGOING_ALLOWED: comma-separated host:port that may be called although the address is
    private, such as a neighbouring city on the government's own network."""
    sms_gateway: str
    """GONGZHI_SMS_GATEWAY: "file" for trials, or the dotted name of a class like `cases.text_messages.Gateway`;
    without it no text messages are sent."""

    @classmethod
    def read(cls, source: dict[str, str] | None = None) -> Environment:
        """Read `source` (default: the process environment).

        Raises:
            EnvironmentInvalid: with a sentence that says what to change.
        """
        env = dict(os.environ) if source is None else source
        production, debug = _switch(env, "GONGZHI_PRODUCTION"), _switch(env, "GONGZHI_DEBUG")
        port = _number(env, "PORT", 8000, 1, 65535)
        url = env.get("GONGZHI_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
        limits = env.get("GONGZHI_RATE_LIMITS", "on")
        level = env.get("GONGZHI_LOG_LEVEL", "INFO").upper()
        if limits not in ("on", "off"):
            raise EnvironmentInvalid("GONGZHI_RATE_LIMITS must be on or off")
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise EnvironmentInvalid("GONGZHI_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise EnvironmentInvalid("GONGZHI_PUBLIC_URL must read like https://matters.city.example")
        database_url = env.get("DATABASE_URL", "")
        if database_url and urlsplit(database_url).scheme not in ("postgresql", "postgres"):
            raise EnvironmentInvalid(
                "DATABASE_URL must begin with postgresql:// (only PostgreSQL is supported)"
            )
        part = env.get("GONGZHI_PART", "")
        if part not in ("", "web", "worker"):
            raise EnvironmentInvalid("GONGZHI_PART is set by the launcher: web, worker or nothing")
        host = env.get("HOST", "127.0.0.1")
        if limits == "off" and host not in _LOOPBACK:
            raise EnvironmentInvalid("GONGZHI_RATE_LIMITS=off needs HOST to be 127.0.0.1")
        if production:
            _check_production(env, debug, limits, url)
        default_hosts = ["127.0.0.1", "localhost", "[::1]", urlsplit(url).hostname or ""]
        hosts = [h.strip() for h in env.get("GONGZHI_ALLOWED_HOSTS", "").split(",") if h.strip()]
        return cls(
            home=Path(env.get("GONGZHI_HOME", "var")).expanduser().resolve(),
            port=port,
            host=host,
            web_processes=_number(env, "GONGZHI_WEB_PROCESSES", 2, 1, 64),
            part=part,
            database_url=database_url,
            production=production,
            debug=debug,
            testing=_switch(env, "GONGZHI_TESTING"),
            rate_limits=limits == "on",
            public_url=url,
            allowed_hosts=hosts or default_hosts,
            trusted_proxies=_number(env, "GONGZHI_TRUSTED_PROXIES", 0, 0, 10),
            city_pack=Path(env.get("GONGZHI_CITY", str(_PACKS / "linjiang"))).resolve(),
            demo_matters=_number(env, "GONGZHI_DEMO", 0 if production else 5_000, 0, 200_000),
            log_level=level,
            ledger_origin=env.get("GONGZHI_LEDGER_ORIGIN", f"{urlsplit(url).hostname}/gongzhi/ledger"),
            metrics_token=_metrics_token(env),
            email=_email(env.get("EMAIL_URL", "")),
            from_email=env.get("GONGZHI_FROM_EMAIL", "gongzhi@localhost"),
            identity_provider=_identity_provider(env, production),
            outgoing_allowed=[
                a.strip().lower() for a in env.get("GONGZHI_OUTGOING_ALLOWED", "").split(",") if a.strip()
            ],
            sms_gateway=env.get("GONGZHI_SMS_GATEWAY", ""),
        )

    @property
    def trusted_origins(self) -> list[str]:
        return [self.public_url]

    @property
    def email_backend(self) -> str:
        """Django's name of the way mails leave."""
        return f"django.core.mail.backends.{'smtp' if self.email else 'filebased'}.EmailBackend"

    def previous_secret_keys(self) -> list[str]:
        """GONGZHI_PREVIOUS_SECRET_KEYS: what was signed with these stays valid while keys are rotated."""
        given = os.environ.get("GONGZHI_PREVIOUS_SECRET_KEYS", "")
        return [key.strip() for key in given.split(",") if key.strip()]

    def secret_key(self) -> str:
        """GONGZHI_SECRET_KEY, else a random key kept in the home folder, readable by its owner only."""
        given = os.environ.get("GONGZHI_SECRET_KEY", "")
        if given:
            return given
        path = self.home / "keys" / "secret.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = path.with_suffix(f".{os.getpid()}.new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return path.read_text()

    def database(self) -> dict[str, Any]:
        """Django's database settings; without DATABASE_URL the embedded PostgreSQL is started."""
        url = self.database_url
        if not url:
            from gongzhi.database import embedded_url

            url = embedded_url(self.home)
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        options = " ".join(f"-c {name}={value}" for name, value in self._session().items())
        return {
            "ENGINE": "gongzhi.postgres",
            "NAME": parts.path.lstrip("/") or "gongzhi",
            "USER": unquote(parts.username or "postgres"),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.get("host") or parts.hostname or "",
            "PORT": str(parts.port or query.get("port") or ""),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "connect_timeout": 2,
                # Django's own statements stay unprepared; `cases.opening` prepares the one it repeats.
                "prepare_threshold": 5,
                "application_name": f"gongzhi {self.part or 'command'}",
                "options": options,
            },
        }

    def _session(self) -> dict[str, str]:
        """Settings of each database session: a page may not wait for long, a command may."""
        is_web = self.part == "web"
        return {
            "lock_timeout": "700ms" if is_web else "30s",
            "statement_timeout": "10s" if is_web else "0",
            "idle_in_transaction_session_timeout": "15s" if is_web else "10min",
            "jit": "off",
            "timezone": "UTC",
        }


def _metrics_token(env: dict[str, str]) -> str:
    token = env.get("GONGZHI_METRICS_TOKEN", "")
    if token and len(token) < 16:
        raise EnvironmentInvalid("GONGZHI_METRICS_TOKEN must have at least 16 characters")
    return token


def _email(url: str) -> EmailServer | None:
    if not url:
        return None
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == -1:
        raise EnvironmentInvalid("EMAIL_URL must read like smtp://user:password@mail.city.example:587/?tls=1")
    is_tls = parts.scheme == "smtps"
    return EmailServer(
        host=parts.hostname,
        port=port or (465 if is_tls else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=not is_tls and dict(parse_qsl(parts.query)).get("tls") == "1",
        tls=is_tls,
    )


def _identity_provider(env: dict[str, str], production: bool) -> IdentityProvider | None:
    issuer = env.get("GONGZHI_OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return None
    schemes = ("https",) if production else ("https", "http")
    if urlsplit(issuer).scheme not in schemes or not urlsplit(issuer).hostname:
        raise EnvironmentInvalid("GONGZHI_OIDC_ISSUER must read like https://login.city.example")
    client_id, secret = env.get("GONGZHI_OIDC_CLIENT_ID", ""), env.get("GONGZHI_OIDC_SECRET", "")
    if not client_id or not secret:
        raise EnvironmentInvalid(
            "GONGZHI_OIDC_ISSUER needs GONGZHI_OIDC_CLIENT_ID and GONGZHI_OIDC_SECRET beside it"
        )
    name = env.get("GONGZHI_OIDC_NAME") or str(urlsplit(issuer).hostname)
    return IdentityProvider(issuer, client_id, secret, name)


def _switch(env: dict[str, str], name: str) -> bool:
    value = env.get(name, "0")
    if value not in ("0", "1", ""):
        raise EnvironmentInvalid(f"{name} must be 1 or 0")
    return value == "1"


def _number(env: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    try:
        value = int(env.get(name, str(default)))
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise EnvironmentInvalid(f"{name} must be a number from {least} to {most}")
    return value


def _check_production(env: dict[str, str], debug: bool, limits: str, url: str) -> None:
    if len(env.get("GONGZHI_SECRET_KEY", "")) < 40 or len(set(env["GONGZHI_SECRET_KEY"])) < 10:
        raise EnvironmentInvalid(
            "GONGZHI_SECRET_KEY must be set to at least 40 random characters in production"
        )
    if debug:
        raise EnvironmentInvalid("GONGZHI_DEBUG must not be set in production")
    if limits == "off":
        raise EnvironmentInvalid("GONGZHI_RATE_LIMITS must not be off in production")
    if not url.startswith("https://"):
        raise EnvironmentInvalid("GONGZHI_PUBLIC_URL must begin with https:// in production")
