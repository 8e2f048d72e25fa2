"""The buckets' repositories: from S3 listings, live or in files, without a password."""
