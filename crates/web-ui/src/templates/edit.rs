//! `/outbound/templates/{key}` and `/outbound/new-template`: one template with its preview.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::access::Permission;
use domain::channel::Channel;
use domain::ids::TemplateKey;
use domain::ports::{self, Begin, StoredAnswer};
use domain::template::Filled;
use domain::usecase::templates as usecase;

use super::draft::{Draft, Wrong};
use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::form::Form;
use crate::frame::{Frame, Place, go_to_saying, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::choice::{Choice, channels};
use crate::present::sms::{Meter, Stretch, with_holes};
use crate::present::{people, problem};
use crate::visit::{May, MessagingUpdate, MessagingView, Posted, Visit};

/// A variable that the text uses.
struct Variable {
    name: String,
    label: String,
    value: String,
    /// What it is filled with by itself.
    by_itself: String,
}

#[derive(Template)]
#[template(path = "template.html")]
struct TemplatePage<'a> {
    f: &'a Frame,
    draft: &'a Draft,
    may_write: bool,
    channels: Vec<Choice>,
    channel: &'static str,
    channel_icon: &'static str,
    text_title: &'static str,
    variables: Vec<Variable>,
    /// The variables that must be given whenever it is sent.
    asked: Vec<String>,
    names: String,
    text: Vec<Stretch>,
    meter: Option<Meter>,
    unread: Option<String>,
    wrong: &'a [Wrong],
}

impl TemplatePage<'_> {
    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.iter().any(|one| one.field == field)
    }
}

pub(crate) async fn new(
    may: May<MessagingUpdate>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let draft = Draft::blank(form.read::<Channel>("channel"));
    page(&may.visit, &pages, &draft, &[])
}

pub(crate) async fn edit(
    may: May<MessagingView>,
    key: Path<String>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let stored = stored(&key, &pages).await?;
    page(&may.visit, &pages, &Draft::of(&stored, &form), &[])
}

/// The same page with its preview; nothing is stored.
pub(crate) async fn check(
    posted: Posted<MessagingView>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let key = form.read::<TemplateKey>("stored");
    // Whoever may not write tries the text as it is stored.
    let draft = match key {
        Some(key) if !may.caller.role.may(Permission::MessagingUpdate) => {
            Draft::of(&stored(key.as_str(), &pages).await?, &form)
        }
        key => Draft::read(&form, key),
    };
    page(&may.visit, &pages, &draft, &[])
}

pub(crate) async fn create(
    posted: Posted<MessagingUpdate>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let draft = Draft::read(&form, None);
    let lang = may.visit.lang;
    let wrong = match draft.template(lang, pages.clock.now()) {
        Ok(template) if in_one_piece(&pages, &may, Write::Create(&template)).await? => {
            let to = format!("/outbound/templates/{}", template.key);
            return Ok(go_to_saying(&to, Flash::said(Said::TemplateSaved), &pages));
        }
        Ok(_) => {
            let reason = lang.t("Đã có mẫu tin dùng mã này.", "There is a template with this key already.");
            vec![Wrong { field: "key", reason: reason.to_owned() }]
        }
        Err(wrong) => wrong,
    };
    page(&may.visit, &pages, &draft, &wrong)
}

pub(crate) async fn save(
    posted: Posted<MessagingUpdate>,
    key: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let lang = may.visit.lang;
    let stored = stored(&key, &pages).await?;
    let mut draft = Draft::read(&form, Some(stored.key.clone()));
    let wrong = if draft.is_overtaken_by(&stored) {
        // What was written stays in the form; sent once more, it replaces the other's.
        draft.was = Draft::of(&stored, &form).was;
        let reason = lang.t(
            "Người khác vừa sửa mẫu này. Hãy xem lại; nếu lưu lần nữa, bản của bạn sẽ thay thế bản đó.",
            "Somebody else has just changed this template. Look again; saved once more, yours replaces theirs.",
        );
        vec![Wrong { field: "", reason: reason.to_owned() }]
    } else {
        match draft.template(lang, pages.clock.now()) {
            Ok(template) if in_one_piece(&pages, &may, Write::Update(&template)).await? => {
                let to = format!("/outbound/templates/{}", template.key);
                return Ok(go_to_saying(&to, Flash::said(Said::TemplateSaved), &pages));
            }
            Ok(_) => return Err(PageError::NotFound),
            Err(wrong) => wrong,
        }
    };
    page(&may.visit, &pages, &draft, &wrong)
}

/// Removes a template. Messages that were queued keep their text.
pub(crate) async fn delete(
    posted: Posted<MessagingUpdate>,
    key: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let key: TemplateKey = key.parse().map_err(|_| PageError::NotFound)?;
    if !in_one_piece(&pages, &posted.may, Write::Delete(&key)).await? {
        return Err(PageError::NotFound);
    }
    Ok(go_to_saying("/outbound/templates", Flash::said(Said::TemplateDeleted), &pages))
}

/// A change of the templates.
enum Write<'a> {
    Create(&'a ports::Template),
    Update(&'a ports::Template),
    Delete(&'a TemplateKey),
}

/// Makes the change and tells the audit trail, both or neither; false where there was nothing to change.
async fn in_one_piece(
    pages: &Pages,
    may: &May<MessagingUpdate>,
    write: Write<'_>,
) -> Result<bool, PageError> {
    let Begin::Fresh(unit) = pages.idempotency.begin(None).await? else {
        return Err(PageError::Internal("a transaction without a key was refused".to_owned()));
    };
    let (deps, by) = (pages.deps_over(unit.stores()), may.actor());
    let done = match write {
        Write::Create(template) => usecase::create(&deps, &by, template).await?,
        Write::Update(template) => usecase::update(&deps, &by, template).await?,
        Write::Delete(key) => usecase::delete(&deps, &by, key).await?,
    };
    unit.commit(StoredAnswer(String::new())).await?;
    Ok(done)
}

async fn stored(key: &str, pages: &Pages) -> Result<ports::Template, PageError> {
    let key: TemplateKey = key.parse().map_err(|_| PageError::NotFound)?;
    pages.stores.template(&key).await?.ok_or(PageError::NotFound)
}

fn page(visit: &Visit, pages: &Pages, draft: &Draft, wrong: &[Wrong]) -> Result<HttpResponse, PageError> {
    let lang = visit.lang;
    let frame = Frame::new(visit, pages, Place::Templates).of_draft("/outbound/new-template/check");
    let body = draft.parsed(lang);
    let names = body.as_ref().map_or(&[][..], |body| body.variables());
    let variables: Vec<Variable> = names.iter().map(|name| variable(visit, name, draft)).collect();
    let tried = |name: &str| {
        let one = variables.iter().find(|one| one.name == name)?;
        [&one.value, &one.by_itself].into_iter().find(|value| !value.is_empty()).cloned()
    };
    let Filled { text, missing } = match &body {
        Ok(body) => body.fill(tried),
        Err(_) => Filled { text: draft.body.clone(), missing: Vec::new() },
    };
    let page = TemplatePage {
        may_write: frame.may(Permission::MessagingUpdate),
        channels: channels(lang, draft.channel),
        channel: people::channel(lang, draft.channel),
        channel_icon: people::channel_icon(draft.channel),
        text_title: people::text_title(lang, draft.channel, false),
        asked: asked(lang, &variables),
        names: names.join(" "),
        text: with_holes(&text, draft.channel, &missing),
        meter: (draft.channel == Channel::Sms && !text.trim().is_empty())
            .then(|| Meter::new(lang, &text, &text)),
        unread: body.err().filter(|_| !draft.body.trim().is_empty()),
        variables,
        draft,
        wrong,
        f: &frame,
    };
    let mut answer = show(&page, &frame)?;
    if !wrong.is_empty() {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

fn variable(visit: &Visit, name: &str, draft: &Draft) -> Variable {
    let own_name = visit.caller.as_ref().and_then(|caller| caller.name.clone());
    Variable {
        label: problem::variable(visit.lang, name),
        value: draft.variables.get(name).cloned().unwrap_or_default(),
        by_itself: match name {
            "name" => "Nguyễn Minh Anh".to_owned(),
            "phone" => "0901 234 567".to_owned(),
            "ownerName" => own_name.unwrap_or_default(),
            _ => String::new(),
        },
        name: name.to_owned(),
    }
}

/// The variables that nobody knows but whoever sends it.
fn asked(lang: Lang, variables: &[Variable]) -> Vec<String> {
    let open = variables.iter().filter(|one| !matches!(one.name.as_str(), "name" | "phone" | "ownerName"));
    open.map(|one| problem::variable(lang, &one.name)).collect()
}
