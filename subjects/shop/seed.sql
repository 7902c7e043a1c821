-- 1000 items in 10 categories, the same on every machine: each value is a function of the id.
-- Item i is in category 1 + (i - 1) mod 10 and costs 199 + (i * 7919) mod 19800 cents; the last ten are out of stock.

insert into items (id, name, category, description, price_cents, stock)
select id,
       initcap(style) || ' ' || thing || ' ' || id,
       category,
       'A ' || style || ' ' || thing || ' from our ' || category || ' range. Made to last, packed without plastic, '
           || 'and sent within two working days. If it is not what you had in mind, send it back within thirty days. '
           || 'Article number ' || lpad(id::text, 6, '0') || '.',
       199 + (id * 7919) % 19800,
       case when id <= 990 then 1000000 else 0 end
from generate_series(1, 1000) as id
cross join lateral (select
    (array['books', 'garden', 'kitchen', 'music', 'office',
           'outdoor', 'sports', 'tools', 'toys', 'travel'])[1 + (id - 1) % 10] as category,
    (array['novel', 'rake', 'pan', 'songbook', 'stapler',
           'tent', 'racket', 'hammer', 'puzzle', 'suitcase'])[1 + (id - 1) % 10] as thing,
    (array['compact', 'sturdy', 'light', 'classic', 'modern', 'foldable', 'simple'])[1 + (id / 10) % 7] as style
) as words
order by id;

analyze items;
