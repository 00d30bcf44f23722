//! The search terms that are stored with a message; `domain::search` says which there are.
//!
//! What every message of a template has in common is stored once, with the template (`outbound_template_term`): a
//! message keeps the name of its template in place of those terms. The table is only ever added to. A process that
//! has not heard of the newest terms of a template stores more with the message than it must, and nothing is lost.

mod stored;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::channel::Channel;
use domain::ids::TemplateKey;
use domain::ports::{StoreError, Template};
use domain::search::{self, Digits};
use tokio::time::Instant;

use crate::error::of_statement;
use crate::schema::outbound_template_term as t;
use crate::statement::{Sql, statement};
pub(crate) use stored::{Terms, TsVector};

/// How long a template's terms are used without asking again.
const FRESH: Duration = Duration::from_secs(60);

/// What a term of a template's key begins with; all other terms are in lower case.
const TEMPLATE: char = 'T';
/// What the term of a message's channel begins with.
const CHANNEL: char = 'C';
/// What the term of a whole phone number begins with.
const NUMBER: char = 'P';
/// What a term of some of its digits begins with.
const DIGITS: char = 'D';
/// How many digits such a term has. Of five million messages about 3,500 have the same four, and 35,000 the same three.
const GRAM: usize = 4;
/// How many the last one has: that few are found as the beginning of a term.
const LAST_GRAM: usize = 3;

/// The terms of some templates.
pub(crate) type TemplateTerms = HashMap<TemplateKey, Arc<HashSet<String>>>;

/// The terms of the templates that are in use.
#[derive(Clone, Default)]
pub(crate) struct KnownTerms(Arc<Mutex<HashMap<TemplateKey, Known>>>);

#[derive(Clone)]
struct Known {
    terms: Arc<HashSet<String>>,
    read_at: Instant,
}

impl KnownTerms {
    /// The terms of these templates.
    pub(crate) async fn of<'a>(
        &self,
        mut connection: &AsyncPgConnection,
        keys: impl Iterator<Item = &'a TemplateKey>,
    ) -> Result<TemplateTerms, StoreError> {
        let mut found = TemplateTerms::new();
        let mut unknown = Vec::new();
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for key in keys {
                if found.contains_key(key) || unknown.contains(key) {
                    continue;
                }
                match known.get(key).filter(|known| known.read_at.elapsed() < FRESH) {
                    Some(Known { terms, read_at: _ }) => drop(found.insert(key.clone(), terms.clone())),
                    None => unknown.push(key.clone()),
                }
            }
        }
        for key in unknown {
            let terms: Vec<String> = t::table
                .filter(t::template_key.eq(key.as_str()))
                .select(t::term)
                .load(&mut connection)
                .await
                .map_err(of_statement)?;
            let terms = Arc::new(terms.into_iter().collect::<HashSet<_>>());
            let known = Known { terms: terms.clone(), read_at: Instant::now() };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), known);
            found.insert(key, terms);
        }
        Ok(found)
    }

    /// A template got a new text.
    pub(crate) fn forget(&self, key: &TemplateKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// A template's key as a term, which has no blanks.
fn without_blanks(key: &str) -> String {
    key.replace(' ', "\u{1f}")
}

/// Every four digits that stand together, and the last three; but for the first ones, which the whole number begins with.
fn grams(digits: &str) -> impl Iterator<Item = &str> {
    let starts = 1..=digits.len().saturating_sub(LAST_GRAM);
    starts.filter_map(move |start| digits.get(start..digits.len().min(start + GRAM)))
}

statement! {
    /// Keeps the terms of a template's text.
    KeepTerms<'a> {
        key: &'a str => Text,
        terms: Vec<String> => Array<Text>,
    } -> Integer,
    Sql("
        insert into outbound_template_term (template_key, term) select $1, n.term from unnest($2) as n (term)
        on conflict do nothing")
}

/// Keeps the terms of a template before any message can have its text.
pub(crate) async fn keep(connection: &mut AsyncPgConnection, template: &Template) -> QueryResult<()> {
    let terms = search::terms_of_template(&template.key, &template.body).into_iter().collect();
    KeepTerms { key: template.key.as_str(), terms }.execute(connection).await?;
    Ok(())
}

statement! {
    /// The templates that have a term which begins so, for each of several beginnings.
    FindTemplates {
        starts: Vec<String> => Array<Text>,
        ends: Vec<String> => Array<Text>,
    } -> (Text, Text),
    Sql("
        select distinct n.start, t.template_key from unnest($1, $2) as n (start, beyond)
        join outbound_template_term t on t.term >= n.start and t.term < n.beyond")
}

/// What is searched for, as the index knows it.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// A `tsquery` that every message has that is found, and perhaps others.
    pub(crate) narrow: String,
    /// What is left to check. Each must hold, or the number.
    pub(crate) words: Vec<SearchWord>,
    /// The whole as a number.
    pub(crate) number: Option<SearchWord>,
}

/// A word of a search that may be a part of a phone number.
#[derive(Debug, Clone)]
pub(crate) struct SearchWord {
    /// The `tsquery` of the word itself, and of numbers that begin with it.
    pub(crate) query: String,
    /// Patterns of digits that stand together in a number; without any the query says all.
    pub(crate) digits: Vec<String>,
}

impl SearchWord {
    /// With the `tsquery` that every message has that is found.
    fn new(own: impl Iterator<Item = String>, digits: &[Digits]) -> (Self, String) {
        let within =
            || digits.iter().filter(|digits| !digits.from_start).map(|digits| digits.wanted.as_str());
        let begin = digits.iter().map(|digits| format!("{}:*", lexeme(Some(NUMBER), &digits.wanted)));
        let query = own.chain(begin).collect::<Vec<_>>().join(" | ");
        let narrow =
            std::iter::once(query.clone()).chain(within().map(together)).collect::<Vec<_>>().join(" | ");
        (Self { query, digits: within().map(pattern).collect() }, narrow)
    }
}

impl Search {
    /// Reads what somebody searches for; `None` where that finds nothing.
    pub(crate) async fn read(
        connection: &mut AsyncPgConnection,
        text: &str,
        channel: Option<Channel>,
    ) -> Result<Option<Self>, StoreError> {
        let search::Query { words, number } = search::Query::parse(text);
        if words.is_empty() {
            return Ok(None);
        }
        let starts: Vec<String> = words.iter().map(|word| word.start.clone()).collect();
        let ends = starts.iter().map(|start| format!("{start}{}", char::MAX)).collect();
        let found: Vec<(String, String)> =
            FindTemplates { starts, ends }.load(connection).await.map_err(of_statement)?;
        let (words, each): (Vec<SearchWord>, Vec<String>) = words
            .iter()
            .map(|word| {
                let templates = found.iter().filter(|(start, _)| *start == word.start);
                let templates = templates.map(|(_, key)| lexeme(Some(TEMPLATE), &without_blanks(key)));
                let own = std::iter::once(format!("{}:*", lexeme(None, &word.start))).chain(templates);
                SearchWord::new(own, &word.digits)
            })
            .unzip();
        let all = each.iter().map(|word| format!("({word})")).collect::<Vec<_>>().join(" & ");
        let (number, narrow) = if number.is_empty() {
            (None, all)
        } else {
            let (number, of_number) = SearchWord::new(std::iter::empty(), &number);
            (Some(number), format!("{all} | {of_number}"))
        };
        Ok(Some(Self {
            narrow: match channel {
                None => narrow,
                Some(channel) => format!("({narrow}) & {}", lexeme(Some(CHANNEL), channel.as_str())),
            },
            words,
            number,
        }))
    }

    /// All of one channel.
    pub(crate) fn of_channel(channel: Channel) -> Self {
        Self { narrow: lexeme(Some(CHANNEL), channel.as_str()), words: Vec::new(), number: None }
    }

    /// Whether many searches are put in the same words, so that statements for them may be kept.
    pub(crate) fn is_usual(&self) -> bool {
        !self.needs_check() || self.words.len() <= 1
    }

    /// Whether the index alone does not say it all.
    pub(crate) fn needs_check(&self) -> bool {
        self.words.iter().chain(&self.number).any(|word| !word.digits.is_empty())
    }
}

/// A term as a `tsquery` has it.
fn lexeme(mark: Option<char>, term: &str) -> String {
    let mut quoted = String::from("'");
    quoted.extend(mark);
    for c in term.chars() {
        if matches!(c, '\'' | '\\') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// A `tsquery` of what digits have in them, elsewhere than at the beginning of the number: enough of it that few others
/// have it too, and no more, as each term is looked up by itself. From their end, where phone numbers differ.
fn together(digits: &str) -> String {
    let Some(last) = digits.len().checked_sub(GRAM) else {
        return format!("({}:*)", lexeme(Some(DIGITS), digits));
    };
    let mut starts = vec![last.saturating_sub(GRAM), last];
    starts.dedup();
    let grams = starts.into_iter().filter_map(|start| digits.get(start..start + GRAM));
    let all: Vec<String> = grams.map(|gram| lexeme(Some(DIGITS), gram)).collect();
    format!("({})", all.join(" & "))
}

/// A pattern of digits that stand together.
fn pattern(digits: &str) -> String {
    format!("%{digits}%")
}
