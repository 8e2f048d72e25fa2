"""What the buckets hold: restic repositories, read from listings alone, without a password."""
