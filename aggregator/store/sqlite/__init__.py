"""SQLite: one file, no server, nothing to install. Everything that is specific to SQLite.

`connection` opens it, `migrations` brings it to the present schema, `text_index` searches it, `maintenance` checks and
compacts it, `copies` backs it up. The topics of `aggregator.store` are written in SQL that PostgreSQL reads as well.
"""
