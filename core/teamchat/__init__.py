"""A ticket as a thread in the messenger of the staff (Slack): what stands there, what staff write there, what is released."""
