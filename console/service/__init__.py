"""What works beside the stream in the service: the socket that commands come through, and the jobs."""
