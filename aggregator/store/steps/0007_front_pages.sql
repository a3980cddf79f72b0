-- What the front page showed: kept as it was shown, so a rebuild, which scores with what is known now, leaves it.
create table front_pages (
    at     text primary key,
    lists  text not null                 -- JSON: {list: [[story_id, headline, score, provisional, sources,
                                         -- independent sources, category], ...]}, '' is the whole page's list
) strict, without rowid;

-- Analysis in prose, written by a model that the operator configured and checked against the entries. May be dropped.
create table prose (
    story_id     integer primary key,
    at           text not null,
    model        text not null,          -- as it is called in feeds.yaml
    sentences    text not null,          -- JSON list; empty: nothing that it wrote held
    left_out     integer not null,       -- sentences that said what no entry says
    made_of      text not null           -- a fingerprint of the entries that it was given
) strict;
