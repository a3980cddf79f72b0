"""What a story page shows beyond its entries.

lead_entry                    which entry gives a story its headline, summary and picture
key_facts                     sentences with figures, who reports them, where sources differ
coverage_analysis             who was first, who followed, what each entry added
predecessor                   the closed story that a new one continues
summarizer, grounding         generated summaries, reduced to sentences that the entries support
"""
