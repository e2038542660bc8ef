"""What is wrong with this set-up, and the fix: facts are gathered apart from judging them."""
