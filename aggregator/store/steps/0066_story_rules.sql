-- Which stories the rules of feeds.yaml mute or boost.
create table story_rules (
    story_id  integer not null,
    effect    text not null,
    rule      text not null,
    primary key (story_id, effect)
) strict, without rowid;
create index story_rules_by_rule on story_rules (effect, rule);
