"""PostgreSQL: for who runs several pollers and sites. What only this database knows is here.

`connection` opens it, `migrations` brings it to the present schema, `text_index` searches it. `leases` shares the hosts
among pollers, `scorer_lock` lets one scorer work. Needs psycopg: `pip install 'groundswell[postgres]'`.
"""
