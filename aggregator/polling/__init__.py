"""Poll what is due: schedule, fetch, parse, match with what is stored, commit."""
