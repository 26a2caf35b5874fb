"""HTTP from our side: one client of tracking servers, one fetcher of files."""
