-- What the CRM tells of its people, as far as it takes to address them, and the texts that are sent to many.

create table outbound_contact (
    -- 'lead:<id>' or 'student:<id>'.
    key           text collate "C" primary key,
    full_name     text,
    phone         text collate "C",
    zalo_user_id  text,
    facebook_psid text collate "C",
    owner_id      text collate "C",
    owner_name    text,
    branch_id     text collate "C",
    opted_out     text[] not null,
    -- Name and phone in lower case, written by the application as outbound_message.search is.
    search        text not null,
    updated_at    timestamptz not null
);

comment on table outbound_contact is 'The little that is kept of the CRM''s people, as the CRM pushed it';

create index outbound_contact_phone on outbound_contact (phone) where phone is not null;
create index outbound_contact_psid on outbound_contact (facebook_psid) where facebook_psid is not null;
create index outbound_contact_search on outbound_contact using gin (search gin_trgm_ops);

create table outbound_template (
    key        text collate "C" primary key,
    title      text not null,
    channel    text collate "C" not null check (channel in ('ZALO', 'FB', 'SMS', 'CALL_NOTE')),
    body       text not null,
    is_active  boolean not null,
    updated_at timestamptz not null
);

-- The three that the CRM's screens name.
insert into outbound_template (key, title, channel, body, is_active, updated_at) values
    ('remind_paid50', 'Nhắc đóng tối thiểu 50%', 'SMS',
     'Chào {{ name }}, bạn vui lòng hoàn thành tối thiểu 50% học phí để giữ chỗ trong lớp nhé. Cần hỗ trợ, bạn cứ liên hệ {{ ownerName }}. Cảm ơn bạn!',
     true, '2026-01-01T00:00:00Z'),
    ('remind_remaining', 'Nhắc học phí còn lại', 'ZALO',
     'Chào {{ name }}, học phí còn lại của bạn là {{ remaining }}. Bạn sắp xếp hoàn thành giúp trung tâm nhé. Chúc bạn học tốt!',
     true, '2026-01-01T00:00:00Z'),
    ('remind_schedule', 'Nhắc lịch học', 'FB',
     'Chào {{ name }}, buổi học sắp tới của bạn bắt đầu lúc {{ scheduleAt }}. Hẹn gặp bạn ở lớp nhé!',
     true, '2026-01-01T00:00:00Z');
