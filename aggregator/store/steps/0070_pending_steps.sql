-- Whoever stores entries or decisions proposes a moment; the scorer settles it. Until then they are listed here.
create table pending_steps (
    step_id      integer primary key autoincrement,
    proposed_at  text not null,
    source_id    text,
    decision_id  integer,
    is_undo      integer not null default 0
) strict;
create index pending_steps_in_order on pending_steps (proposed_at, step_id);
