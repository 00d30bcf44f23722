//! Large commands on a thread that serves others too.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use domain::access::Role;
use domain::channel::Channel;
use domain::message::Priority;
use domain::usecase::create::advise::advise;
use domain::usecase::create::{CreateCommand, RecipientSpec, TextSource, create, plan};

use crate::build::{World, caller};

/// More than one portion of them, whatever bounds it.
const MANY: usize = 1_500;

fn command() -> CreateCommand {
    let to = |n: usize| RecipientSpec { to: Some(format!("09{n:08}")), ..RecipientSpec::default() };
    CreateCommand {
        channel: Channel::Sms,
        source: TextSource::Text("Chào anh, lớp học ".repeat(200)),
        recipients: (0..MANY).map(to).collect(),
        variables: BTreeMap::new(),
        priority: Priority::Medium,
        owner_id: None,
        branch_id: None,
        notification_id: None,
        scheduled_at: None,
        allow_duplicate: false,
        job_id: None,
    }
}

/// What comes of the work, and how often others had their turn before it ended.
fn alone_on_a_thread<T>(work: impl Future<Output = T>) -> (T, usize) {
    let (mut work, mut others) = (pin!(work), 0);
    let done = pollster::block_on(poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(done),
        Poll::Pending => {
            others += 1;
            Poll::Pending
        }
    }));
    (done, others)
}

#[test]
fn a_large_command_lets_others_have_their_turn_whether_planned_foretold_or_queued() {
    let (world, admin, command) = (World::new(), caller(Role::Admin, "a", None), command());
    let deps = world.deps();
    let (advice, others) = alone_on_a_thread(advise(&deps, &admin, &command, true));
    let sms: Vec<_> = advice.unwrap().recipients.into_iter().map(|one| one.sms.unwrap().parts).collect();
    assert_eq!((sms.len(), sms.iter().min(), sms.iter().max()), (MANY, Some(&54), Some(&54)));
    assert!(others >= MANY / 2, "{others} turns");
    let (planned, others) = alone_on_a_thread(plan(&deps, &admin, &command));
    assert!(others >= MANY / 4, "{others} turns");
    let (created, others) = alone_on_a_thread(create(&deps, &admin, &command));
    assert!(others >= MANY / 4, "{others} turns");
    for batch in [planned.unwrap(), created.unwrap()] {
        let places: Vec<_> = batch.messages.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, (0..MANY).collect::<Vec<_>>());
        let own = |(place, message): &(usize, domain::message::Message)| {
            message.content.to.as_ref().unwrap().as_str() == format!("+849{place:08}")
        };
        assert!(batch.messages.iter().all(own));
    }
}
