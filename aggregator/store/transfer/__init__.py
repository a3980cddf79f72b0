"""Copy a database of SQLite into PostgreSQL and prove that both hold the same rows.

    tables      what a table is, for both sides
    to_postgres passes over all tables until one finds no difference

Reading SQLite is in `sqlite.tables`, reading and writing PostgreSQL in `postgres.tables`.
"""
