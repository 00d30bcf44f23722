//! Storing new messages.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, Bool, Date, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::address::Address;
use domain::message::{Content, Message, State};
use domain::ports::{DuplicateWindow, NewMessage, StoreError};
use domain::turns::Turns;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::portions::{PORTION, insert_portions, portions};
use crate::error::of_statement;
use crate::rows::delivery::rank;
use crate::rows::{corrupt, number};
use crate::statement::{Sparse, Sql, statement};
use crate::store::PgStore;
use crate::terms::{TemplateTerms, Terms, TsVector};

statement! {
    /// Stores new messages; see the function in the migrations.
    InsertMessages<'a> {
        is_portion: bool => Bool,
        today: Option<NaiveDate> => Nullable<Date>,
        days: i32 => Integer,
        id: Vec<Uuid> => Array<SqlUuid>,
        channel: Vec<&'static str> => Array<Text>,
        recipient: Sparse<&'a str> => Array<Nullable<Text>>,
        template_key: Sparse<&'a str> => Array<Nullable<Text>>,
        body: Vec<&'a str> => Array<Text>,
        terms: Vec<Terms> => Array<TsVector>,
        lead_id: Sparse<&'a str> => Array<Nullable<Text>>,
        student_id: Sparse<&'a str> => Array<Nullable<Text>>,
        notification_id: Sparse<&'a str> => Array<Nullable<Text>>,
        owner_id: Sparse<&'a str> => Array<Nullable<Text>>,
        branch_id: Sparse<&'a str> => Array<Nullable<Text>>,
        job_id: Sparse<Uuid> => Array<Nullable<SqlUuid>>,
        full_name: Sparse<&'a str> => Array<Nullable<Text>>,
        owner_name: Sparse<&'a str> => Array<Nullable<Text>>,
        created_by: Vec<String> => Array<Text>,
        created_at: Vec<DateTime<Utc>> => Array<Timestamptz>,
        scheduled_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        updated_at: Vec<DateTime<Utc>> => Array<Timestamptz>,
        duplicate_key: Vec<Uuid> => Array<SqlUuid>,
        priority: Vec<i16> => Array<SmallInt>,
        due_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        error: Sparse<&'a str> => Array<Nullable<Text>>,
        reason: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        allow_duplicate: Vec<bool> => Array<Bool>,
    } -> Array<Nullable<Text>>,
    Sql("select outbound_insert_v4($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        $19, $20, $21, $22, $23, $24, $25, $26, $27)")
}

pub(super) async fn insert(
    store: &PgStore,
    mut new: Vec<NewMessage>,
    window: Option<DuplicateWindow>,
) -> Result<Vec<Message>, StoreError> {
    if new.len() == 1
        && let Some(groups) = &store.groups
        && let Some(one) = new.pop()
    {
        let ((one, _), reason) = groups.inserts.submit((one, window)).await?;
        return Ok(vec![as_stored(one.message, reason)]);
    }
    if new.len() > PORTION {
        return insert_portions(store, portions(new), window).await;
    }
    let reasons = insert_all(store, new.iter(), window).await?;
    Ok(new.into_iter().zip(reasons).map(|(one, reason)| as_stored(one.message, reason)).collect())
}

/// Stores messages by one statement; answers in their order why they were skipped.
pub(crate) async fn insert_all<'a>(
    store: &PgStore,
    new: impl ExactSizeIterator<Item = &'a NewMessage> + Clone,
    window: Option<DuplicateWindow>,
) -> Result<Vec<Option<String>>, StoreError> {
    if new.len() == 0 {
        return Ok(Vec::new());
    }
    let mut connection = store.connection().await?;
    let keys = new.clone().filter_map(|one| one.message.content.template_key.as_ref());
    let terms = store.terms.of(&connection, keys).await?;
    let derived = derive(new.clone(), &terms).await;
    let statement = InsertMessages::of(false, new, derived, window)?;
    let reasons: Vec<Option<String>> = statement.get_result(&mut *connection).await.map_err(of_statement)?;
    store.stored(&reasons);
    Ok(reasons)
}

/// What is stored with a message and takes long to work out.
pub(super) struct Derived {
    terms: Terms,
    duplicate_key: Uuid,
}

/// Works that out, and lets others have their turn meanwhile.
pub(super) async fn derive<'a>(
    new: impl Iterator<Item = &'a NewMessage>,
    templates: &TemplateTerms,
) -> Vec<Derived> {
    let (mut derived, mut turns) = (Vec::new(), Turns::default());
    for NewMessage { message: Message { content, .. }, .. } in new {
        let terms = Terms::stored(content, templates);
        derived.push(Derived { terms, duplicate_key: digest(&content.duplicate_key()) });
        turns.worked(content.text.0.len()).await;
    }
    derived
}

impl PgStore {
    /// Messages were stored, SKIPPED where there is a reason.
    pub(super) fn stored(&self, reasons: &[Option<String>]) {
        self.merger.stored(reasons.len());
        if reasons.iter().any(Option::is_none) {
            self.waker.wake();
        }
    }
}

/// What the database made of a message.
pub(super) fn as_stored(message: Message, reason: Option<String>) -> Message {
    match reason {
        Some(reason) => Message { state: State::Skipped { reason }, ..message },
        None => message,
    }
}

impl<'a> InsertMessages<'a> {
    /// Of these messages, all or a portion of those that are stored in one transaction.
    pub(super) fn of(
        is_portion: bool,
        new: impl ExactSizeIterator<Item = &'a NewMessage>,
        derived: Vec<Derived>,
        window: Option<DuplicateWindow>,
    ) -> Result<Self, StoreError> {
        let mut statement = Self::empty(is_portion, window, new.len());
        for (one, derived) in new.zip(derived) {
            statement.push(one, derived)?;
        }
        Ok(statement)
    }

    fn empty(is_portion: bool, window: Option<DuplicateWindow>, n: usize) -> Self {
        Self {
            is_portion,
            today: window.map(|window| window.today),
            days: window.map_or(0, |window| number(window.days)),
            id: Vec::with_capacity(n),
            channel: Vec::with_capacity(n),
            recipient: Sparse::with_capacity(n),
            template_key: Sparse::with_capacity(n),
            body: Vec::with_capacity(n),
            terms: Vec::with_capacity(n),
            lead_id: Sparse::with_capacity(n),
            student_id: Sparse::with_capacity(n),
            notification_id: Sparse::with_capacity(n),
            owner_id: Sparse::with_capacity(n),
            branch_id: Sparse::with_capacity(n),
            job_id: Sparse::with_capacity(n),
            full_name: Sparse::with_capacity(n),
            owner_name: Sparse::with_capacity(n),
            created_by: Vec::with_capacity(n),
            created_at: Vec::with_capacity(n),
            scheduled_at: Sparse::with_capacity(n),
            updated_at: Vec::with_capacity(n),
            duplicate_key: Vec::with_capacity(n),
            priority: Vec::with_capacity(n),
            due_at: Sparse::with_capacity(n),
            error: Sparse::with_capacity(n),
            reason: Vec::with_capacity(n),
            allow_duplicate: Vec::with_capacity(n),
        }
    }

    fn push(&mut self, new: &'a NewMessage, derived: Derived) -> Result<(), StoreError> {
        let NewMessage { message, allow_duplicate } = new;
        let (due_at, error, reason) = match &message.state {
            State::Queued(waiting) => (Some(waiting.due_at), waiting.error.as_deref(), None),
            State::Skipped { reason } => (None, None, Some(reason.as_str())),
            State::Leased(_)
            | State::Dispatched(_)
            | State::Sent(_)
            | State::Failed(_)
            | State::Cancelled => {
                return Err(corrupt("a new message", message.status()));
            }
        };
        self.id.push(message.id.uuid());
        self.priority.push(rank(message.priority));
        self.created_at.push(message.created_at);
        self.updated_at.push(message.updated_at);
        self.due_at.0.push(due_at);
        self.error.0.push(error);
        self.reason.push(reason);
        self.allow_duplicate.push(*allow_duplicate);
        self.terms.push(derived.terms);
        self.duplicate_key.push(derived.duplicate_key);
        self.push_content(&message.content);
        Ok(())
    }

    fn push_content(&mut self, content: &'a Content) {
        let Content {
            channel,
            to,
            template_key,
            text,
            lead_id,
            student_id,
            notification_id,
            owner_id,
            branch_id,
            job_id,
            full_name,
            owner_name,
            created_by,
            scheduled_at,
        } = content;
        let to = to.as_ref().map(Address::as_str);
        let template_key = template_key.as_ref().map(|key| key.as_str());
        self.channel.push(channel.as_str());
        self.recipient.0.push(to);
        self.template_key.0.push(template_key);
        self.body.push(&text.0);
        self.lead_id.0.push(lead_id.as_ref().map(|id| id.as_str()));
        self.student_id.0.push(student_id.as_ref().map(|id| id.as_str()));
        self.notification_id.0.push(notification_id.as_ref().map(|id| id.as_str()));
        self.owner_id.0.push(owner_id.as_ref().map(|id| id.as_str()));
        self.branch_id.0.push(branch_id.as_ref().map(|id| id.as_str()));
        self.job_id.0.push(job_id.map(|id| id.uuid()));
        self.full_name.0.push(full_name.as_deref());
        self.owner_name.0.push(owner_name.as_deref());
        self.created_by.push(created_by.to_string());
        self.scheduled_at.0.push(*scheduled_at);
    }
}

/// The first half of the SHA-256: 128 bits are as good as no collision, at half the index.
pub(crate) fn digest(text: &str) -> Uuid {
    let hash = Sha256::digest(text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
    Uuid::from_bytes(half)
}
