"""The links of an entry: which of several it gets (`choice`), and what a link post points to (`posts`)."""
