//! Lists of many messages, however they are looked for: each way finds what a plain statement says.

use std::time::Duration;

use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::{BranchId, LeadId, MessageId};
use domain::message::{FailureKind, Priority, Status};
use domain::ports::{Filter, ListRequest, MessageReader, Page};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::build::{Dice, Fixture, fixture, owner};

/// 12,000 messages. Of the newest third none is settled, as right after many were queued.
const FILL: &str = "
    create temporary table filling as
    select ('01940000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
        case when n % 3 = 0 then 'u' || n % 40 else '' end as owner,
        case when n % 3 <> 1 then 'b' || n % 4 end as branch,
        n, 'chung' || case when n % 2 = 0 then ' nua' else '' end || case when n % 997 = 7 then ' hiem' else '' end
            || case when n < 6000 then ' xua' else '' end
            || case when n > 11900 then ' moi' else '' end as words,
        (array['ZALO', 'ZALO', 'ZALO', 'SMS', 'FB'])[1 + n * 7 % 5] as channel, 1 + n * 13 % 3 as priority,
        case when n > 8000 then (array['QUEUED', 'DISPATCHED', 'QUEUED'])[1 + n * 11 % 3]
             else (array['SENT', 'SENT', 'SENT', 'FAILED', 'CANCELLED', 'QUEUED', 'SENT', 'LEASED'])[1 + n * 31 % 8] end as status,
        (array['DEAD', 'HELD'])[1 + n / 8 % 2] as kind
    from generate_series(1, 12000) as n;
    insert into outbound_message (id, channel, recipient, body, lead_id, owner_id, branch_id, created_by, created_at,
        duplicate_key, local_day, urgency, terms)
    select id, channel, '+84901234567', words, 'l' || n % 50, nullif(owner, ''), branch, 'system', '2025-01-01Z', id, '2025-01-01',
        nullif(priority, 2), array_to_tsvector(string_to_array(words, ' ') || ('C' || channel)) from filling;
    insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, next_attempt_at, attempt,
        attempt_failed, retry_count, handoff_failures, lost_leases, attempted, resume_status, lease_id, leased_at,
        dispatched_at, lease_expires_at, sent_at, error, failure_kind, revision, updated_at, created_at)
    select id, status, priority, channel, owner, branch,
        case when status in ('QUEUED', 'LEASED') then timestamptz '2025-01-02Z' end, 1, null, 0, 0, 0, false,
        case when status = 'LEASED' then 'QUEUED' end,
        case when status in ('LEASED', 'DISPATCHED') or (status, kind) = ('FAILED', 'HELD') then id end,
        case when status in ('LEASED', 'DISPATCHED') then timestamptz '2025-01-02Z' end,
        case when status = 'DISPATCHED' then timestamptz '2025-01-02Z' end,
        case when status in ('LEASED', 'DISPATCHED') then timestamptz '2030-01-02Z' end,
        case when status = 'SENT' then timestamptz '2025-01-02Z' end, case when status = 'FAILED' then 'E1' end,
        case when status = 'FAILED' then kind end, 0, '2025-01-02Z', '2025-01-01Z'
    from filling;
    analyze outbound_message, outbound_delivery;";

async fn filled() -> (Fixture, Client) {
    let fixture = fixture().await;
    let client = fixture.database.connect().await;
    client.batch_execute(FILL).await.unwrap();
    (fixture, client)
}

/// What a filter finds, newest first, by a statement that leaves nothing to choose from.
async fn plainly(client: &Client, scope: &Scope, filter: &Filter) -> Vec<MessageId> {
    let mut sql =
        "select m.id::text from outbound_message m join outbound_delivery d on d.message_id = m.id where true"
            .to_owned();
    let mut and = |column: &str, value: Option<String>| {
        if let Some(value) = value {
            sql.push_str(&format!(" and {column} = '{value}'"));
        }
    };
    and("d.status", filter.status.map(|status| status.to_string()));
    and("d.failure_kind", filter.failure_kind.map(|kind| kind.to_string()));
    and("m.channel", filter.channel.map(|channel| channel.to_string()));
    let rank = filter.priority.map(|priority| match priority {
        Priority::High => "1",
        Priority::Medium => "2",
        Priority::Low => "3",
    });
    and("d.priority", rank.map(str::to_owned));
    and("m.lead_id", filter.lead_id.as_ref().map(ToString::to_string));
    for owner in filter.owner_id.iter().chain(&scope.owner) {
        and("m.owner_id", Some(owner.to_string()));
    }
    for branch in filter.branch_id.iter().chain(&scope.branch) {
        and("m.branch_id", Some(branch.to_string()));
    }
    for word in filter.text.iter().flat_map(|text| text.split(' ')) {
        sql.push_str(&format!(" and m.body like '%{word}%'"));
    }
    sql.push_str(" order by m.id desc");
    let rows = client.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| MessageId::new(Uuid::parse_str(row.get(0)).unwrap())).collect()
}

fn any_filter(dice: &mut Dice) -> (Scope, Filter) {
    let mut some = |of: u64| dice.roll(of) == 0;
    let (by_status, by_kind, by_channel, by_priority) = (!some(4), some(8), some(4), some(4));
    let (by_owner, by_branch, own, own_branch) = (some(3), some(4), some(4), some(6));
    let (by_text, by_lead) = (some(3), some(8));
    let pick_owner = |dice: &mut Dice| owner(&format!("u{}", 3 * dice.roll(14)));
    let pick_branch = |dice: &mut Dice| BranchId::parse(format!("b{}", dice.roll(4))).unwrap();
    let filter = Filter {
        status: by_status.then(|| *dice.pick(Status::ALL)),
        failure_kind: by_kind.then(|| *dice.pick(&[FailureKind::Dead, FailureKind::Held])),
        channel: by_channel.then(|| *dice.pick(Channel::ALL)),
        priority: by_priority.then(|| *dice.pick(Priority::ALL)),
        owner_id: by_owner.then(|| pick_owner(dice)),
        branch_id: by_branch.then(|| pick_branch(dice)),
        text: by_text.then(|| {
            (*dice.pick(&["chung", "nua", "hiem", "xua", "moi", "xua nua", "chung hiem"])).to_owned()
        }),
        lead_id: by_lead.then(|| LeadId::parse(format!("l{}", dice.roll(50))).unwrap()),
        ..Filter::default()
    };
    let scope = Scope { owner: own.then(|| pick_owner(dice)), branch: own_branch.then(|| pick_branch(dice)) };
    (scope, filter)
}

#[tokio::test]
async fn by_whatever_way_a_list_is_found_it_is_that_of_a_plain_statement() {
    let (fixture, client) = filled().await;
    let mut dice = Dice(11);
    for round in 0..400 {
        let (scope, filter) = any_filter(&mut dice);
        let expected = plainly(&client, &scope, &filter).await;
        let page_size = 1 + u32::try_from(dice.roll(30)).unwrap();
        let list = async |page| {
            let request = ListRequest { scope: scope.clone(), filter: filter.clone(), page, page_size };
            let page = fixture.store.list(&request).await.unwrap();
            (page.items.iter().map(|one| one.id).collect::<Vec<_>>(), page.total, page.next)
        };
        let mut seen = Vec::new();
        let (mut next, mut exact) = (None, None);
        for nth in 0..4 {
            let (ids, total, after) = list(next.map_or(Page::Number(1), Page::After)).await;
            let said = format!("{round}.{nth}: {scope:?} {filter:?}: {total:?}");
            seen.extend(ids);
            assert_eq!(seen, expected[..seen.len()], "{said}");
            let all = expected.len() as u64;
            assert!(total.is_estimate || total.count == all, "{said}: {all}");
            assert!(nth > 0 || total.count >= seen.len() as u64, "{said}");
            assert!(exact.is_none_or(|exact| total == exact), "each part says the same, {said}");
            exact = (!total.is_estimate).then_some(total);
            next = after;
            if next.is_none() {
                assert_eq!(seen.len(), expected.len(), "{said}");
                break;
            }
        }
        let skipped = 2 * page_size as usize;
        let third = expected.iter().skip(skipped).take(page_size as usize).copied();
        assert_eq!(list(Page::Number(3)).await.0, third.collect::<Vec<_>>(), "{round}: {filter:?}");
    }
}

#[tokio::test]
async fn what_is_settled_is_found_behind_what_is_newer_and_is_not() {
    let (fixture, client) = filled().await;
    // Four of five are sent, so the planner would look for them among all; but not one of the newest thousand is.
    let mostly_sent = "
        delete from outbound_delivery where status <> 'SENT' and message_id < '01940000-0000-7000-8000-000000002af9';
        delete from outbound_message m where not exists (select from outbound_delivery where message_id = m.id);
        analyze outbound_message, outbound_delivery;
        select pg_stat_reset();";
    client.batch_execute(mostly_sent).await.unwrap();
    let filter = Filter { status: Some(Status::Sent), priority: Some(Priority::Medium), ..Filter::default() };
    let request = ListRequest { scope: Scope::everything(), filter, page: Page::Number(1), page_size: 20 };
    let Fixture { database: _database, store } = fixture;
    let page = store.list(&request).await.unwrap();
    assert_eq!(page.items.len(), 20);
    // PostgreSQL says what was read when the session that did has ended.
    drop(store);
    let read = "
        select coalesce(sum(idx_tup_read) filter (where indexrelname = 'outbound_delivery_settled'), 0)::bigint,
               coalesce(sum(idx_tup_read) filter (where indexrelname like '%\\_pkey'), 0)::bigint
        from pg_stat_user_indexes where relname in ('outbound_message', 'outbound_delivery')";
    let told = async {
        loop {
            let row = client.query_one(read, &[]).await.unwrap();
            match (row.get::<_, i64>(0), row.get::<_, i64>(1)) {
                (0, _) | (_, 0) => tokio::time::sleep(Duration::from_millis(20)).await,
                read => break read,
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    let (settled, by_key) = told.expect("nothing was read by where they stand");
    assert!(settled >= 21 && by_key < 200, "{settled} by where they stand, {by_key} by their ids");
}

#[tokio::test]
async fn what_a_search_saw_for_one_page_cuts_no_other_short() {
    let (fixture, client) = filled().await;
    let skip = async |which: &str| {
        let skip = format!(
            "update outbound_delivery set status = 'SKIPPED', error = 'DUPLICATE_TODAY', next_attempt_at = null,
                resume_status = null, lease_id = null, leased_at = null, dispatched_at = null, lease_expires_at = null,
                sent_at = null, failure_kind = null
             where message_id in (select id from filling where {which})"
        );
        client.batch_execute(&skip).await.unwrap();
    };
    let (scope, status) = (Scope::everything(), Some(Status::Skipped));
    let filter = Filter { status, text: Some("hiem".to_owned()), ..Filter::default() };
    let list = async |page, page_size| {
        let request = ListRequest { scope: scope.clone(), filter: filter.clone(), page, page_size };
        fixture.store.list(&request).await.unwrap()
    };
    skip("n > 10000 and words like '%hiem%'").await;
    let first = list(Page::Number(1), 1).await;
    assert_eq!((first.items.len(), first.total.count, first.total.is_estimate), (1, 2, false));
    // Within the same second many more are skipped that are older.
    skip("n <= 10000").await;
    let rest = list(Page::After(first.next.unwrap()), 50).await;
    let ids: Vec<_> = first.items.iter().chain(&rest.items).map(|one| one.id).collect();
    assert_eq!(ids, plainly(&client, &scope, &filter).await);
    assert!(rest.total.is_estimate || rest.total.count == ids.len() as u64, "{:?}", rest.total);
}

#[tokio::test]
async fn a_list_whose_statement_is_kept_goes_by_its_index() {
    let (fixture, client) = filled().await;
    // As it is after a while: planned without what is asked for.
    let generic = "do $$ begin
        execute format('alter database %I set plan_cache_mode = force_generic_plan', current_database());
    end $$";
    client.batch_execute(generic).await.unwrap();
    let scans = async |index: &str| -> i64 {
        let ask = "select idx_scan from pg_stat_user_indexes where indexrelname = $1";
        client.query_one(ask, &[&index]).await.unwrap().get(0)
    };
    for (status, index) in
        [(Status::Queued, "outbound_delivery_queued"), (Status::Sent, "outbound_delivery_settled")]
    {
        let before = scans(index).await;
        let filter = Filter { status: Some(status), ..Filter::default() };
        let (scope, page) = (Scope::everything(), Page::Number(1));
        // Its connection tells what it scanned when it ends.
        let store = crate::build::store(fixture.database.url(), 1).await;
        store.list(&ListRequest { scope, filter, page, page_size: 20 }).await.unwrap();
        drop(store);
        let told = async { while scans(index).await == before {} };
        tokio::time::timeout(Duration::from_secs(60), told).await.expect(index);
    }
}
