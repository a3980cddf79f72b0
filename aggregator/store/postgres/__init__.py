"""The store in PostgreSQL: what only this database knows. No command opens one yet; `Store.connect(url)` does.

`connection` opens it, `migrations` brings it to the present schema, `text_index` searches it. Needs psycopg:
`pip install 'groundswell[postgres]'`.
"""
