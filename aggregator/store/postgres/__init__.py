"""The store in PostgreSQL: everything that is specific to this database.

`aggregator.site.database` opens it where `DATABASE_URL` names one.

`connection` opens it, `migrations` brings it to the present schema, `text_index` searches it. Needs psycopg:
`pip install 'groundswell[postgres]'`.
"""
