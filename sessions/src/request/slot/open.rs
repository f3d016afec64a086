//! Opening the session of a request.

use std::{fmt, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderValue},
};
use sessions_policy::{CookiePolicy, OnLoadError};

use super::{AnySlot, BearerUse, CurrentSlot, OpenSession, OpenedCookie, Slot};
use crate::{
    cookie::CookieValues,
    error::{NullSession, OpenError, Report},
    interface::{OpenContext, Opened, SessionContent, SessionInterface},
    request::{
        bearer::token_of, headers::Vary, plain_http::warn_of_plain_http,
        service_state::ServiceState,
    },
};

impl<I: SessionInterface> Slot<I> {
    /// Asks the interface for the session of this request.
    pub(crate) async fn open_content(
        &self,
        request: &HttpRequest,
    ) -> Result<OpenSession<I::Content>, OpenError> {
        let ServiceState { interface, settings, clock, .. } = &*self.service;
        let policy = self.service.cookie_for(request)?;
        self.refuse_shared_cookie(request, &policy)?;
        warn_of_plain_http(request, &policy);
        let bearer = if self.service.takes_bearer { token_of(request.headers()) } else { None };
        let cookies = match bearer {
            Some(_) => CookieValues::default(),
            None => {
                let headers = request.headers().get_all(header::COOKIE).map(HeaderValue::as_bytes);
                CookieValues::find(headers, policy.name().as_str())
            }
        };
        let vary = if bearer.is_some() { Vary::Authorization } else { self.service.vary() };
        let was_sent = !cookies.is_empty();
        let mut cookie =
            OpenedCookie { policy, was_sent, came_in_cookie: was_sent, bearer: None, vary };
        let is_use = interface.is_use(request);
        let cx = OpenContext {
            request,
            cookie: &cookie.policy,
            cookies: &cookies,
            bearer,
            settings,
            now: clock.now(),
            clock,
            is_use,
        };
        let mut content = match interface.open_session(cx).await {
            Ok(Opened::Session(content)) => content,
            Ok(Opened::Null(null)) => self.null_content(null)?,
            Err(err) if settings.on_load_error() == OnLoadError::Null => {
                self.report(&mut Report::of(&err), Some(request.path()));
                self.null_content(NullSession::load_failed(&err))?
            }
            Err(err) => return Err(err),
        };
        let state = content.state_mut();
        state.start_permanent(settings.permanent());
        cookie.came_in_cookie |= bearer.is_none() && !state.is_new();
        cookie.bearer = bearer.map(|_| BearerUse::of(state));
        Ok(OpenSession { content, cookie, is_use })
    }

    /// Makes a null session. The interface must recognise it, or it would overwrite the real
    /// session when it is saved.
    fn null_content(&self, null: NullSession) -> Result<I::Content, OpenError> {
        let interface = &*self.service.interface;
        let content = interface.make_null_session(null);
        if interface.is_null_session(&content) {
            return Ok(content);
        }
        Err(OpenError::internal(UnrecognizedNull { interface: self.interface_name() }))
    }

    /// Refuses two sessions in cookies of one name: each would be read as the other, and a response
    /// must not set one cookie twice. If their paths differ, they are refused only in a request
    /// that uses both.
    fn refuse_shared_cookie(
        &self,
        request: &HttpRequest,
        policy: &CookiePolicy,
    ) -> Result<(), OpenError> {
        if self.is_alone(request) {
            return Ok(());
        }
        let mut next =
            request.extensions().get::<CurrentSlot>().map(|CurrentSlot(slot)| Arc::clone(slot));
        while let Some(slot) = next {
            next = slot.outer().cloned();
            if std::ptr::addr_eq(Arc::as_ptr(&slot), self) {
                continue;
            }
            // Wrong policies of the other session are its own failure.
            let Ok(other) = slot.cookie_policy(request) else { continue };
            if other.name() == policy.name() && (other.path() == policy.path() || slot.is_used()) {
                let err = OpenError::SharedCookie {
                    cookie: policy.name().to_string(),
                    one: self.interface_name(),
                    other: slot.interface_name(),
                };
                slot.refuse(&err);
                return Err(err);
            }
        }
        Ok(())
    }

    /// Whether the request has no other session.
    fn is_alone(&self, request: &HttpRequest) -> bool {
        let extensions = request.extensions();
        let innermost = extensions.get::<CurrentSlot>();
        !self.has_outer()
            && innermost.is_some_and(|CurrentSlot(slot)| std::ptr::addr_eq(Arc::as_ptr(slot), self))
    }
}

/// An interface does not recognise its own null session.
#[derive(Debug)]
struct UnrecognizedNull {
    interface: &'static str,
}

impl fmt::Display for UnrecognizedNull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` makes a null session that its `is_null_session` does not recognise; make it with \
             `SessionContent::null`, or override both methods",
            self.interface
        )
    }
}

impl std::error::Error for UnrecognizedNull {}
