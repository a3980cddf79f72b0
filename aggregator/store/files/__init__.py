"""Files of a site: models and pictures.

With SQLite they are in folders next to the database file, where ordinary tools can read and copy them. PostgreSQL has
them in tables (`store.postgres.files`), because each machine has folders of its own.
"""
