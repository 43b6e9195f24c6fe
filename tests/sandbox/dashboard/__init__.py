"""The Stripe side as web pages: plays the person who works in Stripe's Dashboard while our admin is open elsewhere."""
