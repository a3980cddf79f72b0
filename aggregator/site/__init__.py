"""The parts of an installed site: its database, the feeds.yaml in use, backups, and their disk use.

database         open the store: a file of SQLite, or PostgreSQL where DATABASE_URL names one; who may write
config_watcher   feeds.yaml > the last valid configuration > the store
backup           database + feeds.yaml + models > one file, and back
disk_use         how large the database is, and when the disk is full
"""
