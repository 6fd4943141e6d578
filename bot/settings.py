"""Settings from the environment (prefix `MADOGUCHI_`) and a `.env` file; names are interfaces.md's."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_DATABASE_URL = "sqlite:///var/madoguchi.sqlite"


class Settings(BaseSettings):
    """Everything an operator sets. A channel without its settings is off and says so at start."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", env_file=".env", extra="ignore", frozen=True)

    profile: str = "renewal-notice"
    database_url: str = DEFAULT_DATABASE_URL
    database_threads: int = Field(default=4, ge=1, le=64)  # PostgreSQL only; 4 is the better default on two cores
    public_url: str = "http://127.0.0.1:8000"
    secret_key: SecretStr = SecretStr("")
    widget_origins: str = ""
    metrics_token: SecretStr = SecretStr("")  # empty: /metrics answers to this machine only
    trusted_proxies: str = "127.0.0.1,::1"  # whose X-Forwarded-For is believed

    telegram_token: SecretStr = SecretStr("")
    telegram_mode: Literal["webhook", "polling"] = "polling"
    telegram_webhook_secret: SecretStr = SecretStr("")
    telegram_api_url: str = "https://api.telegram.org"

    line_channel_secret: SecretStr = SecretStr("")
    line_channel_token: SecretStr = SecretStr("")
    line_api_url: str = "https://api.line.me"

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")  # given: Socket Mode, no public address is needed
    slack_signing_secret: SecretStr = SecretStr("")  # needed without Socket Mode: POST /webhooks/slack
    slack_desk_channel: str = ""  # the channel's id (C…): ids outlive renames
    slack_api_url: str = "https://slack.com/api/"

    stripe_api_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_url: str = "https://api.stripe.com"

    smtp_url: SecretStr = SecretStr("")  # smtps://user:password@host, smtp+starttls://…:587
    mail_from: str = ""
