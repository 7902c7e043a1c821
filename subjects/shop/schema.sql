-- The shop's tables. Run once, as the role that owns the database (`shop`).

create table items (
    id          integer primary key,
    name        text    not null,
    category    text    not null,
    description text    not null,
    price_cents integer not null check (price_cents > 0),
    stock       integer not null check (stock >= 0)
) with (fillfactor = 50);  -- room on the page, so that a change of stock touches no index

create index items_by_category on items (category, id);

create table orders (
    id              bigint generated always as identity primary key,
    idempotency_key uuid        not null unique,
    fingerprint     text        not null,
    customer        text        not null,
    total_cents     bigint      not null,
    created_at      timestamptz not null default now()
);

create table order_lines (
    order_id    bigint  not null references orders,
    item_id     integer not null references items,
    quantity    integer not null check (quantity > 0),
    price_cents integer not null,
    primary key (order_id, item_id)
);
