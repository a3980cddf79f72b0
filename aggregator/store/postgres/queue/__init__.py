"""Background jobs of a site over PostgreSQL: a queue of procrastinate, in the schema `jobs` of the site's database.

    deferring   puts a job in, within a transaction of the store
    runner      runs jobs in this process, as others do on any machine
    own_jobs    lets a worker end only those jobs that it still has

A worker that is killed leaves its job behind as running; procrastinate never puts it back by itself (its issues 1408
and 1543), so `runner` does. Needs procrastinate: `pip install 'groundswell[postgres]'`.
"""
