-- By what the server that started last works, for the commands beside it: they have an environment of their own.
create table outbound_in_force (
    -- There is one, once a server has started.
    id         boolean primary key default true check (id),
    -- Where hand-offs go; null where there is nowhere to push to.
    gateway    text collate "C" check (gateway in ('N8N', 'SIMULATOR')),
    -- The texts of the settings that are rules, by name; never a secret.
    rules      jsonb not null check (jsonb_typeof(rules) = 'object'),
    started_at timestamptz not null
);
