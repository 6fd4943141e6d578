"""Stripe: hosted pages, webhooks, look-ups, and a double of it for the demo."""
