-- expand
-- The queue of background jobs: tables, types and functions of procrastinate 3.10, in a namespace of their own.
create schema jobs;
set local search_path to jobs;
-- include procrastinate.sql schema.sql
set local search_path to default;
