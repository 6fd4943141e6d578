"""Ways through the counter that show every screen, and what each channel makes of them."""
