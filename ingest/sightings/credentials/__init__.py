"""What packets say of who proves who he is, and of what is called at a distance."""
