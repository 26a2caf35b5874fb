"""The web pages: experiments, runs, comparisons, for people; rendered here, addressable by URL, without an account."""
