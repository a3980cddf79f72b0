"""Stories as the engine writes them and as pages read them.

stories        Stories: the changes of the engine's steps, the ranking, the ledger
memberships    Memberships: the entries of each story, and the reasons
story_lists    StoryLists: the lists of pages, by rank, age, score or category
search         Search: the stories that a query finds
"""
