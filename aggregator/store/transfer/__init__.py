"""Copy a SQLite database into PostgreSQL and verify that both contain the same rows.

    to_postgres     passes over all tables until one finds no difference

Reading SQLite is in `sqlite.tables`, reading and writing PostgreSQL in `postgres.tables`.
"""
