"""Jobs that run every few minutes or hours and take long: training, measuring, pruning, backups, languages.

    moments    when a job ran last, and whether that run ended
    schedule   which job is due
    work       what each does
    steps      a job that is due is run here (SQLite), or put into the queue (PostgreSQL)
    fleet      runs what is in the queue, in every process of the role `score`; also messages, and calls to
               subscribers of the site's feeds

Over PostgreSQL the scorer that works says what is due, and any scorer or standby does it, on any machine.
"""
