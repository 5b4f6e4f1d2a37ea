"""What can go wrong in variants alone: in all of them alike, or in one kind."""
