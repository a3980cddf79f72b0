"""Group entries into stories, online and in order of arrival.

weighted_text, boilerplate     an entry's terms with their weights now; what its source writes every time counts less
open_stories, meaning_index   the stories that can still grow, found by terms and by embedding
clusterer.Clusterer.place     the likeliest of the nearest stories, or a new one
    comparison                what entry and story share, and what contradicts it
    join_model, weights       from that evidence the log-odds of joining
    phrases                   what they share, spelled for the reason that readers see
reclustering, bisection       two stories that turn out to be one event, one that turns out to be two
copies                        which entries are copies of one text, and so one voice
"""
