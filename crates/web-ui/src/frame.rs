//! What is the same around every page, and how a page becomes an answer.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::header::{ContentType, LOCATION};
use askama::Template;
use domain::access::{Caller, Permission, Role};

use crate::assets;
use crate::csrf;
use crate::error::PageError;
use crate::flash::{self, Flash};
use crate::lang::{self, Lang};
use crate::pages::Pages;
use crate::visit::Visit;

/// A part of the product, as the navigation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The queue.
    Queue,
    /// Writing a message.
    Compose,
    /// Writing to many.
    Bulk,
    /// The templates.
    Templates,
    /// The jobs.
    Jobs,
    /// How it goes, in pictures.
    Overview,
    /// Dispatching, what is stuck, and the runs.
    Worker,
    /// None of them.
    Elsewhere,
}

/// One line of the navigation.
pub(crate) struct Link {
    /// Where it leads.
    pub(crate) href: &'static str,
    /// Its icon.
    pub(crate) icon: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Whether it is where the visitor is.
    pub(crate) is_here: bool,
}

/// What is the same around every page.
pub(crate) struct Frame {
    /// The language.
    pub(crate) lang: Lang,
    /// Whoever is signed in.
    pub(crate) caller: Option<Caller>,
    /// The code of this page's forms.
    pub(crate) csrf: String,
    /// What the page before left to say.
    pub(crate) flash: Option<Flash>,
    /// Path and query.
    pub(crate) here: String,
    /// Whether N8N is simulated.
    pub(crate) simulator: bool,
    /// Where the page's form (`#draft`) is shown again with all that is written in it.
    pub(crate) draft: Option<&'static str>,
    language: Option<Cookie<'static>>,
    place: Place,
}

impl Frame {
    /// The frame of a page of this visit.
    pub(crate) fn new(visit: &Visit, pages: &Pages, place: Place) -> Self {
        Self {
            lang: visit.lang,
            caller: visit.caller.clone(),
            csrf: visit.secret.as_deref().map(csrf::code).unwrap_or_default(),
            flash: visit.flash,
            here: visit.here.clone(),
            simulator: pages.simulator && visit.caller.is_some(),
            draft: None,
            language: visit.keeps_lang.then(|| lang::cookie(visit.lang, pages)),
            place,
        }
    }

    /// The same around a form that is shown again by sending it there.
    pub(crate) fn of_draft(self, check: &'static str) -> Self {
        Self { draft: Some(check), ..self }
    }

    /// The wording in the page's language.
    pub(crate) const fn t<'a>(&self, vietnamese: &'a str, english: &'a str) -> &'a str {
        self.lang.t(vietnamese, english)
    }

    /// What the page before left to say: whether it is good news, and the words.
    pub(crate) fn said(&self) -> Option<(bool, String)> {
        self.flash.map(|flash| (flash.is_good(), flash.text(self.lang)))
    }

    /// Where an asset is, in its present version.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Whether the visitor has the permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.role.may(permission))
    }

    /// Whether the visitor may dispatch, cancel and requeue.
    pub(crate) fn may_run(&self) -> bool {
        self.may(Permission::MessagingRun)
    }

    /// Whether the visitor may queue messages.
    pub(crate) fn may_create(&self) -> bool {
        self.may(Permission::MessagingCreate)
    }

    /// Whether the visitor may pass the quiet hours.
    pub(crate) fn is_admin(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.role == Role::Admin)
    }

    /// Where the visitor may go.
    pub(crate) fn links(&self) -> Vec<Link> {
        let all = [
            (Place::Queue, "/outbound", "queue", self.t("Hàng đợi", "Queue"), Permission::MessagingView),
            (
                Place::Compose,
                "/outbound/compose",
                "pen",
                self.t("Soạn tin", "Compose"),
                Permission::MessagingCreate,
            ),
            (
                Place::Bulk,
                "/outbound/bulk",
                "upload",
                self.t("Gửi hàng loạt", "Bulk"),
                Permission::MessagingCreate,
            ),
            (
                Place::Templates,
                "/outbound/templates",
                "file",
                self.t("Mẫu tin", "Templates"),
                Permission::MessagingView,
            ),
            (Place::Jobs, "/outbound/jobs", "job", self.t("Công việc", "Jobs"), Permission::JobsView),
            (
                Place::Overview,
                "/outbound/overview",
                "chart",
                self.t("Tổng quan", "Overview"),
                Permission::MessagingView,
            ),
            (
                Place::Worker,
                "/outbound/worker",
                "runs",
                self.t("Điều phối", "Dispatch"),
                Permission::MessagingRun,
            ),
        ];
        let mine = all.into_iter().filter(|(.., permission)| self.may(*permission));
        mine.map(|(place, href, icon, label, _)| Link { href, icon, label, is_here: place == self.place })
            .collect()
    }

    /// The visitor's id, for the page's script to see when it is another's session.
    pub(crate) fn subject(&self) -> &str {
        self.caller.as_ref().map_or("", |caller| caller.subject.as_str())
    }

    /// Where the visitor is at home.
    pub(crate) fn home(&self) -> &'static str {
        self.caller.as_ref().map_or("/outbound", |caller| home(caller.role))
    }

    /// The visitor's name.
    pub(crate) fn name(&self) -> &str {
        self.caller.as_ref().map_or("", |caller| caller.name.as_deref().unwrap_or(caller.subject.as_str()))
    }

    /// The visitor's role, and branch where it bounds what is seen.
    pub(crate) fn role(&self) -> String {
        let Some(caller) = &self.caller else { return String::new() };
        let role = role(self.lang, caller.role);
        match &caller.scope().branch {
            Some(branch) => format!("{role} · {branch}"),
            None => role.to_owned(),
        }
    }

    /// The address of this page in the other language.
    pub(crate) fn other_language(&self) -> String {
        let to = self.t("en", "vi");
        format!("/outbound/language?{}", crate::form::query([("to", to), ("back", self.here.as_str())]))
    }
}

/// Where somebody of this role is at home: with the queue, or with the jobs where that is all they may see.
pub(crate) const fn home(role: Role) -> &'static str {
    if role.may(Permission::MessagingView) { "/outbound" } else { "/outbound/jobs" }
}

/// A role in words.
pub(crate) const fn role(lang: Lang, role: Role) -> &'static str {
    match role {
        Role::Admin => lang.t("Quản trị viên", "Admin"),
        Role::Manager => lang.t("Trưởng chi nhánh", "Manager"),
        Role::Telesales => lang.t("Tư vấn viên", "Telesales"),
        Role::DirectPage => lang.t("Trực trang", "Page clerk"),
        Role::Viewer => lang.t("Người xem", "Viewer"),
    }
}

/// An answer that shows the template.
pub(crate) fn show(page: &impl Template, frame: &Frame) -> Result<HttpResponse, PageError> {
    let mut answer = HttpResponse::Ok();
    if frame.flash.is_some() {
        let mut said = Cookie::build(flash::COOKIE, "").path("/outbound").finish();
        said.make_removal();
        answer.cookie(said);
    }
    if let Some(language) = &frame.language {
        answer.cookie(language.clone());
    }
    Ok(answer.content_type(ContentType::html()).body(page.render()?))
}

/// An answer that leads to another page, with a GET.
pub(crate) fn go_to(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
}

/// An answer that leads to another page, which says what was done.
pub(crate) fn go_to_saying(location: &str, flash: Flash, pages: &Pages) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).cookie(flash.cookie(pages)).finish()
}

/// A path of ours that a form or link wants to go back to; the queue in place of anything else.
pub(crate) fn safe_back(path: Option<&str>) -> &str {
    let ours = |path: &&str| {
        let ends = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
        path.strip_prefix("/outbound").is_some_and(ends)
            && !path.contains(['\\', '\r', '\n'])
            && path.is_ascii()
    };
    path.filter(ours).unwrap_or("/outbound")
}

#[cfg(test)]
mod tests {
    use super::safe_back;

    #[test]
    fn one_goes_back_to_our_own_pages_alone() {
        for ours in ["/outbound", "/outbound?status=SENT", "/outbound/messages/1"] {
            assert_eq!(safe_back(Some(ours)), ours);
        }
        for other in [
            "//evil.example",
            "https://evil.example/outbound",
            "/outbound.evil",
            "/outboundx",
            "/outbound\r\nx",
            "",
        ] {
            assert_eq!(safe_back(Some(other)), "/outbound", "{other}");
        }
    }
}
