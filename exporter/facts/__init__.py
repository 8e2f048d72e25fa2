"""What is so: the cluster's objects and the buckets' repositories, read and dated, without any judgement."""
