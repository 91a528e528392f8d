"""One HTTP client: sites and their logins, fetching with retries and deadlines, byte ranges, index pages, the cache."""
