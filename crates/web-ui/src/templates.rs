//! `/outbound/templates`: the texts that messages are made of.

mod draft;
mod edit;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::access::Permission;
use domain::channel::Channel;
use domain::ports;
use domain::sms::SmsMeter;

pub(crate) use self::edit::{check, create, delete, edit, new, save};
use crate::error::PageError;
use crate::form::Form;
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::time::{Moment, moment};
use crate::present::{people, sms};
use crate::visit::{May, MessagingView};

/// How much of a text a card holds, in characters; the style cuts it further.
const SHOWN: usize = 260;

/// A channel as a filter.
struct Tab {
    href: String,
    label: &'static str,
    icon: &'static str,
    count: usize,
    is_here: bool,
}

/// A template as a card.
struct Card {
    key: String,
    title: String,
    channel: &'static str,
    channel_word: &'static str,
    channel_icon: &'static str,
    body: String,
    variables: Vec<String>,
    sms: Option<usize>,
    is_active: bool,
    changed: Moment,
}

#[derive(Template)]
#[template(path = "templates.html")]
struct TemplatesPage<'a> {
    f: &'a Frame,
    tabs: Vec<Tab>,
    cards: Vec<Card>,
    may_write: bool,
    is_narrowed: bool,
}

pub(crate) async fn templates(
    may: May<MessagingView>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let channel: Option<Channel> = form.read("channel");
    let all = pages.stores.templates().await?;
    let frame = Frame::new(&may.visit, &pages, Place::Templates);
    let lang = may.visit.lang;
    let mine = all.iter().filter(|one| channel.is_none_or(|channel| one.channel == channel));
    let page = TemplatesPage {
        f: &frame,
        tabs: tabs(lang, &all, channel),
        cards: mine.map(|template| card(lang, template, &pages)).collect(),
        may_write: may.caller.role.may(Permission::MessagingUpdate),
        is_narrowed: channel.is_some(),
    };
    show(&page, &frame)
}

fn tabs(lang: Lang, all: &[ports::Template], chosen: Option<Channel>) -> Vec<Tab> {
    let first = Tab {
        href: "/outbound/templates".to_owned(),
        label: lang.t("Tất cả", "All"),
        icon: "file",
        count: all.len(),
        is_here: chosen.is_none(),
    };
    let rest = Channel::ALL.iter().map(|channel| Tab {
        href: format!("/outbound/templates?channel={channel}"),
        label: people::channel(lang, *channel),
        icon: people::channel_icon(*channel),
        count: all.iter().filter(|one| one.channel == *channel).count(),
        is_here: chosen == Some(*channel),
    });
    std::iter::once(first).chain(rest).collect()
}

fn card(lang: Lang, template: &ports::Template, pages: &Pages) -> Card {
    let ports::Template { key, title, channel, body, is_active, updated_at } = template;
    Card {
        key: key.to_string(),
        title: title.clone(),
        channel: people::channel(lang, *channel),
        channel_word: channel.as_str(),
        channel_icon: people::channel_icon(*channel),
        body: sms::unbroken(&body.source().chars().take(SHOWN).collect::<String>()),
        variables: body.variables().to_vec(),
        sms: (*channel == Channel::Sms).then(|| SmsMeter::measure(body.source()).parts),
        is_active: *is_active,
        changed: moment(*updated_at, pages.clock.now(), pages.zone()),
    }
}
