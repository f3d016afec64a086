//! Opening the session of a request.

use std::{fmt, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderValue},
};
use sessions_policy::{CookiePolicy, OnLoadError};

use super::{AnySlot, BearerUse, CurrentSlot, OpenSession, OpenedCookie, Preparation, Slot};
use crate::{
    cookie::CookieValues,
    error::{NullSession, OpenError, Report},
    interface::{OpenContext, Opened, SessionContent, SessionInterface},
    request::{bearer::token_of, headers::Vary, plain_http::warn_of_plain_http},
};

/// The tokens that a request sends.
struct SentTokens<'r> {
    cookies: CookieValues<'r>,
    bearer: Option<&'r [u8]>,
}

impl<I: SessionInterface> Slot<I> {
    /// Asks the policies of this request.
    pub(super) fn prepare(&self, request: &HttpRequest) -> Result<Preparation, OpenError> {
        let policy = self.service.cookie_for(request)?;
        self.refuse_shared_cookie(request, self.service.cookie(&policy))?;
        let is_use = self.service.interface.is_use(request);
        Ok(Preparation { policy, is_use, now: self.service.clock.now() })
    }

    /// Opens the session now, where the interface need not wait. Otherwise gives back what was prepared.
    pub(super) fn open_at_once(
        &self,
        request: &HttpRequest,
        prepared: Preparation,
    ) -> Result<Result<OpenSession<I::Content>, OpenError>, Preparation> {
        let sent = self.sent_tokens(request, self.service.cookie(&prepared.policy));
        let cx = self.open_context(request, &prepared, &sent);
        match self.service.interface.open_at_once(&cx) {
            Some(opened) => Ok(self.opened(request, prepared, &sent, opened)),
            None => Err(prepared),
        }
    }

    /// Asks the interface for the session of this request.
    pub(super) async fn open_content(
        &self,
        request: &HttpRequest,
        prepared: Preparation,
    ) -> Result<OpenSession<I::Content>, OpenError> {
        let sent = self.sent_tokens(request, self.service.cookie(&prepared.policy));
        let cx = self.open_context(request, &prepared, &sent);
        let opened = self.service.interface.open_session(cx).await;
        self.opened(request, prepared, &sent, opened)
    }

    fn sent_tokens<'r>(&self, request: &'r HttpRequest, policy: &CookiePolicy) -> SentTokens<'r> {
        let bearer = if self.service.takes_bearer { token_of(request.headers()) } else { None };
        let cookies = match bearer {
            Some(_) => CookieValues::default(),
            None => {
                let headers = request.headers().get_all(header::COOKIE).map(HeaderValue::as_bytes);
                CookieValues::find(headers, policy.name().as_str())
            }
        };
        SentTokens { cookies, bearer }
    }

    fn open_context<'r>(
        &'r self,
        request: &'r HttpRequest,
        prepared: &'r Preparation,
        sent: &'r SentTokens<'r>,
    ) -> OpenContext<'r> {
        OpenContext {
            request,
            cookie: self.service.cookie(&prepared.policy),
            cookies: &sent.cookies,
            bearer: sent.bearer,
            settings: &self.service.settings,
            now: prepared.now,
            clock: &self.service.clock,
            is_use: prepared.is_use,
        }
    }

    /// Makes a session of what the interface opened.
    fn opened(
        &self,
        request: &HttpRequest,
        prepared: Preparation,
        sent: &SentTokens<'_>,
        opened: Result<Opened<I::Content>, OpenError>,
    ) -> Result<OpenSession<I::Content>, OpenError> {
        let settings = &self.service.settings;
        let mut content = match opened {
            Ok(Opened::Session(content)) => content,
            Ok(Opened::Null(null)) => self.null_content(null)?,
            Err(err) => self.failed_content(request, err)?,
        };
        let SentTokens { cookies, bearer } = sent;
        let state = content.state_mut();
        state.start_permanent(settings.permanent());
        let was_sent = !cookies.is_empty();
        // One that is not new without our cookie is taken over from another framework's.
        if bearer.is_none() && (state.is_new() || !was_sent) {
            warn_of_plain_http(request, self.service.cookie(&prepared.policy));
        }
        let cookie = OpenedCookie {
            policy: prepared.policy,
            was_sent,
            came_in_cookie: was_sent || bearer.is_none() && !state.is_new(),
            bearer: bearer.map(|_| BearerUse::of(state)),
            vary: if bearer.is_some() { Vary::Authorization } else { self.service.vary() },
        };
        Ok(OpenSession { content, cookie, is_use: prepared.is_use })
    }

    /// Makes a null session of a failure, if the policies ask for one.
    #[cold]
    fn failed_content(
        &self,
        request: &HttpRequest,
        err: OpenError,
    ) -> Result<I::Content, OpenError> {
        if self.service.settings.on_load_error() != OnLoadError::Null {
            return Err(err);
        }
        self.report(&mut Report::of(&err), Some(request.path()));
        self.null_content(NullSession::load_failed(&err))
    }

    /// Makes a null session. The interface must recognise it, or it would overwrite the real
    /// session when it is saved.
    #[cold]
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
        if self.is_alone(request) { Ok(()) } else { self.compare_cookies(request, policy) }
    }

    #[inline(never)]
    fn compare_cookies(
        &self,
        request: &HttpRequest,
        policy: &CookiePolicy,
    ) -> Result<(), OpenError> {
        let mut next =
            request.extensions().get::<CurrentSlot>().map(|CurrentSlot(slot)| Arc::clone(slot));
        while let Some(slot) = next {
            next = slot.outer().cloned();
            if std::ptr::addr_eq(Arc::as_ptr(&slot), self) {
                continue;
            }
            if slot.collides(request, policy) {
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
