//! Every address of the console. An address that is not here is nowhere.

use std::future::Future;
use std::pin::Pin;

use hyper::{Method, StatusCode, Uri};

use super::pages::{
    audit, clinic, clinics, enrol, health, invitations, invoices, invoices_list, issuer, operators, plans, sessions,
    sign_in, small, trends, usage,
};
use super::reply::Reply;
use super::visit::{Fault, Visit};

/// Longer than any address here.
const MAX_PATH_BYTES: usize = 256;

/// Who may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Anybody.
    Nobody,
    /// Who is signed in; his forms must be his session's own.
    Operator,
}

pub(crate) type Doing = Pin<Box<dyn Future<Output = Result<Reply, Fault>> + Send>>;

/// One address. A `*` in it is any one part of letters, digits, `.`, `_` and `-`.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) act: fn(Visit) -> Doing,
}

macro_rules! routes {
    ($($method:ident $path:literal $needs:ident $act:path;)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            needs: Needs::$needs,
            act: |visit| Box::pin($act(visit)),
        }),*]
    };
}

/// GET never changes anything.
pub(crate) static ROUTES: &[Route] = routes! {
    GET "/" Nobody small::home;
    GET "/console.css" Nobody small::style;
    POST "/language" Nobody small::language;
    GET "/sign-in" Nobody sign_in::page;
    POST "/sign-in" Nobody sign_in::sign_in;
    GET "/enrol/*" Nobody enrol::page;
    POST "/enrol/*" Nobody enrol::enrol;
    POST "/sign-out" Operator sessions::sign_out;
    GET "/sessions" Operator sessions::page;
    POST "/sessions/end" Operator sessions::end_all;
    GET "/clinics" Operator clinics::page;
    POST "/clinics" Operator clinics::add;
    GET "/clinics/*" Operator clinic::page;
    POST "/clinics/*/name" Operator clinic::rename;
    POST "/clinics/*/suspend" Operator clinic::suspend;
    POST "/clinics/*/reactivate" Operator clinic::reactivate;
    POST "/clinics/*/export" Operator clinic::export;
    POST "/clinics/*/remove" Operator clinic::remove;
    POST "/clinics/*/invitation" Operator clinic::invite;
    POST "/clinics/*/invitation/revoke" Operator clinic::revoke;
    POST "/clinics/*/plan" Operator usage::set_plan;
    POST "/clinics/*/billing" Operator usage::set_billing;
    GET "/plans" Operator plans::page;
    POST "/plans" Operator plans::set;
    POST "/plans/retire" Operator plans::retire;
    GET "/invoices" Operator invoices_list::page;
    POST "/invoices/run" Operator invoices_list::run;
    POST "/invoices/issuer" Operator issuer::set_issuer;
    GET "/invoices/*" Operator invoices::one;
    GET "/invoices/*/pdf" Operator invoices::pdf;
    POST "/invoices/*/issue" Operator invoices::issue;
    POST "/invoices/*/paid" Operator invoices::paid;
    POST "/invoices/*/unpaid" Operator invoices::unpaid;
    POST "/invoices/*/void" Operator invoices::void;
    GET "/trends" Operator trends::page;
    GET "/invitations" Operator invitations::page;
    GET "/health" Operator health::page;
    GET "/audit" Operator audit::page;
    GET "/operators" Operator operators::page;
    POST "/operators" Operator operators::add;
    POST "/operators/*/reset" Operator operators::reset;
    POST "/operators/*/remove" Operator operators::remove;
};

/// The route of a request and what its address has for each `*`; or the number with which it is turned away.
pub(super) fn find(method: &Method, uri: &Uri) -> Result<(&'static Route, Vec<String>), StatusCode> {
    let path = uri.path();
    if uri.authority().is_some() || uri.scheme().is_some() {
        return Err(StatusCode::BAD_REQUEST);
    }
    if uri.to_string().len() > 2 * MAX_PATH_BYTES || path.len() > MAX_PATH_BYTES {
        return Err(StatusCode::URI_TOO_LONG);
    }
    let mut is_there = false;
    for route in ROUTES {
        if let Some(params) = fits(route.path, path) {
            if route.method == *method {
                return Ok((route, params));
            }
            is_there = true;
        }
    }
    Err(if is_there {
        StatusCode::METHOD_NOT_ALLOWED
    } else {
        StatusCode::NOT_FOUND
    })
}

fn fits(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let (mut wanted, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return Some(params),
            (Some("*"), Some(part)) if is_plain(part) => params.push(part.to_owned()),
            (Some(one), Some(other)) if one == other => {}
            _ => return None,
        }
    }
}

fn is_plain(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_one_of_the_list_and_a_star_is_one_plain_part() {
        let at = |method: &Method, path: &str| match find(method, &path.parse().unwrap()) {
            Ok((route, params)) => Ok((route.path, params)),
            Err(status) => Err(status.as_u16()),
        };
        assert_eq!(at(&Method::GET, "/clinics"), Ok(("/clinics", vec![])));
        assert_eq!(at(&Method::GET, "/clinics/7"), Ok(("/clinics/*", vec!["7".to_owned()])));
        assert_eq!(at(&Method::DELETE, "/clinics"), Err(405));
        assert_eq!(at(&Method::HEAD, "/clinics"), Err(405));
        assert_eq!(at(&Method::GET, "/clinics/7/suspend"), Err(405), "GET changes nothing");
        for nowhere in [
            "/clinics/",
            "//clinics",
            "/clinics/../audit",
            "/clinics/%2e%2e",
            "/clinics/7/",
            "/Clinics",
            "/.",
        ] {
            assert_eq!(at(&Method::GET, nowhere), Err(404), "{nowhere}");
        }
        assert_eq!(at(&Method::GET, "http://elsewhere.example/clinics"), Err(400));
    }

    #[test]
    fn only_the_way_in_is_open_to_anybody() {
        let open: Vec<_> = ROUTES
            .iter()
            .filter(|route| route.needs == Needs::Nobody)
            .map(|route| route.path)
            .collect();
        let way_in = [
            "/",
            "/console.css",
            "/language",
            "/sign-in",
            "/sign-in",
            "/enrol/*",
            "/enrol/*",
        ];
        assert_eq!(open, way_in);
    }
}
