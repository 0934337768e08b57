"""All settings, read from the environment once and checked; a wrong one stops the start with a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

from gongzhi.environment import DEMO_PASSWORD, Environment, EnvironmentInvalid

try:
    ENVIRONMENT = Environment.read()
except EnvironmentInvalid as problem:
    sys.exit(f"gongzhi cannot start: {problem}")

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGE_DIR = Path(__file__).resolve().parent
HOME = ENVIRONMENT.home
DEBUG = ENVIRONMENT.debug
PRODUCTION = ENVIRONMENT.production
SECRET_KEY = ENVIRONMENT.secret_key()
SECRET_KEY_FALLBACKS = ENVIRONMENT.previous_secret_keys()
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.trusted_origins
PUBLIC_URL = ENVIRONMENT.public_url

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "procrastinate.contrib.django",
    "gongzhi.ledger",
    "gongzhi.registry",
    "gongzhi.cases",
    "gongzhi.understanding",
    "gongzhi.routing",
    "gongzhi.intake",
    "gongzhi.lake",
    "gongzhi.sensing",
    "gongzhi.improvement",
    "gongzhi.coordination",
    "gongzhi.supervision",
    "gongzhi.grid",
    "gongzhi.web",
    "gongzhi.api",
]

MIDDLEWARE = [
    "gongzhi.web.middleware.Guard",
    "gongzhi.web.programs.ShortWay",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gongzhi.web.sessions.Limits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "gongzhi.web.programs.BeforeTheView",
]

ROOT_URLCONF = "gongzhi.urls"
WSGI_APPLICATION = "gongzhi.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE_DIR / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "gongzhi.web.context.city",
            ],
        },
    }
]

DATABASES = {"default": ENVIRONMENT.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Failed sign-ins are counted in it: with the usual 300 entries a flood would forget them.
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

AUTH_USER_MODEL = "registry.Person"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "gongzhi.web.accounts.AccountAdapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "gongzhi"

SOCIALACCOUNT_ADAPTER = "gongzhi.web.identity_provider.IdentityProviderAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
IDENTITY_PROVIDER = ENVIRONMENT.identity_provider
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, object]] = {}
if IDENTITY_PROVIDER is not None:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "city",
                "name": IDENTITY_PROVIDER.name,
                "client_id": IDENTITY_PROVIDER.client_id,
                "secret": IDENTITY_PROVIDER.secret,
                "settings": {"server_url": IDENTITY_PROVIDER.issuer},
            }
        ],
    }

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [PACKAGE_DIR / "web" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or ENVIRONMENT.testing
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = HOME / "attachments"

SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_S = 3600
SESSION_MOST_S = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "gongzhi.web.failures.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_SSL_REDIRECT = False
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LEDGER_KEY_FILE = HOME / "keys" / "ledger.key"
LEDGER_ORIGIN = ENVIRONMENT.ledger_origin
FEDERATION_KEY_FILE = HOME / "keys" / "federation.key"
OUTGOING_ALLOWED = ENVIRONMENT.outgoing_allowed
MODELS_DIR = HOME / "models"
CITY_PACK = ENVIRONMENT.city_pack
DEMO_MATTERS = ENVIRONMENT.demo_matters
DEMO_PASSWORD = "" if PRODUCTION else DEMO_PASSWORD
RATE_LIMITS = ENVIRONMENT.rate_limits
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
TEXT_MAX_CHARACTERS = 10_000
PHOTO_MAX_BYTES = 12 * 1024 * 1024
PHOTOS_MAX = 6

METRICS_TOKEN = ENVIRONMENT.metrics_token

EMAIL_BACKEND = ENVIRONMENT.email_backend
EMAIL_FILE_PATH = HOME / "mail"
EMAIL_TIMEOUT = 10
if ENVIRONMENT.email is not None:
    EMAIL_HOST, EMAIL_PORT = ENVIRONMENT.email.host, ENVIRONMENT.email.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = ENVIRONMENT.email.user, ENVIRONMENT.email.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = ENVIRONMENT.email.starttls, ENVIRONMENT.email.tls
DEFAULT_FROM_EMAIL = ENVIRONMENT.from_email
SMS_GATEWAY = ENVIRONMENT.sms_gateway

LOGGING_CONFIG = "gongzhi.logs.configure"
LOGGING = {"level": ENVIRONMENT.log_level}

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_WORKER_DEFAULTS = {
    "delete_jobs": "successful",
    "fetch_job_polling_interval": 2.0,
    "update_heartbeat_interval": 1.0,
    "stalled_worker_timeout": 10.0,
    "shutdown_graceful_timeout": 8.0,
}
