"""What of ours is measured, one file a stage."""
