//! Whom one can be in the demo: the tokens that are printed, and the one-click logins of the pages.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::access::Role;
use web_ui::DemoLogin;

use super::people::OWNERS;
use crate::settings::Settings;
use crate::token::{Holder, issue};

/// How long a session of the demo lasts.
const SESSION: TimeDelta = TimeDelta::hours(12);

/// One-click logins for the pages; none where there is no JWT_SECRET to sign with.
pub fn logins(settings: &Settings) -> Vec<DemoLogin> {
    let Some(secret) = &settings.access.jwt_secret else { return Vec::new() };
    let secret = secret.first().to_owned();
    let [(sales, sales_name, branch), ..] = OWNERS;
    let people = [
        ("admin", Role::Admin, None, "Quản trị"),
        ("m1", Role::Manager, Some(branch), "Trưởng chi nhánh"),
        (sales, Role::Telesales, Some(branch), sales_name),
    ];
    let login = |(subject, role, branch, name): (&str, Role, Option<&str>, &str)| {
        let holder = Holder {
            subject: subject.to_owned(),
            role,
            branch: branch.map(str::to_owned),
            name: Some(name.to_owned()),
        };
        let secret = secret.clone();
        DemoLogin {
            role,
            name: name.to_owned(),
            branch: branch.map(str::to_owned),
            token: Arc::new(move |now| issue(&secret, &holder, now, SESSION).ok()),
        }
    };
    people.map(login).into()
}
