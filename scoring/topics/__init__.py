"""Find the terms and names that rise.

headline_index   headlines of the last eight days -> terms with their entries
signals          a term at a moment -> what is known of it
rising           terms -> the chance that a rise continues, and the topics that a page shows
phrases          a term -> the name that people write
updater          keeps the store up to the entries
"""
