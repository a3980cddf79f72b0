"""Jobs that run every few minutes or hours and take long: training, measuring, pruning, backups, languages.

    moments    the last run of each job, and whether it ended
    schedule   which jobs are due
    work       the jobs themselves
    steps      runs a due job here (SQLite), or adds it to the queue (PostgreSQL)
    fleet      runs jobs from the queue in every process of the role `score`, messages and calls to subscribers included

With PostgreSQL the active scorer decides what is due, and any scorer or standby runs it, on any machine.
"""
