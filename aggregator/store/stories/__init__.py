"""Stories as the engine writes them and as pages read them.

stories        Stories: what a step of the engine changed, the ranking, the ledger
memberships    Memberships: which entries a story holds, and why
story_lists    StoryLists: what a page lists, by rank, age, score or category
search         Search: the stories that a query finds
"""
