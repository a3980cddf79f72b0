"""What a site keeps besides rows: model files and pictures.

A database of SQLite keeps them in folders beside its file, where they can be read and copied with ordinary tools.
PostgreSQL keeps them in tables (`store.postgres.files`), because each machine has folders of its own.
"""
