"""Which of its links an entry gets, and what a link post points to."""
