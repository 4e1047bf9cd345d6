"""What applications say, packet by packet: requests, answers, greetings and log-ins become EVENT rows."""
