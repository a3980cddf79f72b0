"""What a view needs from its request.

services        the services of the application: database, sign-in, visit counter
context         configuration, moment, database, how long the answer may be cached
access          who the operator is, and which routes others may POST to
worker_status   whether the worker runs
"""
