"""What a view needs from its request.

services        the services of the application: database, sign-in, visit counter
context         configuration, time, database, caching
access          the operator's session, and the routes that others may POST to
worker_status   whether the worker runs
"""
