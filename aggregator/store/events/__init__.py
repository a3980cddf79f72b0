"""Events in the order in which the engine processes them: polls with entries or edits, and decisions.

    poll or decision: its rows, with a proposed moment, and a row in `pending_steps`       one transaction
    scorer:           the pending steps in order, each at a moment later than any before
                      their moments, the engine's results, the watermark                   one transaction

So no step is skipped if one with an earlier moment is committed later, and the moments in the database are those that
the engine has seen: a replay takes the same steps.
"""
