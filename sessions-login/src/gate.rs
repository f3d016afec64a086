//! A middleware that lets some users through: [`Gate`].

use std::{
    fmt,
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
};

use actix_service::{Service, Transform, forward_ready};
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
};
use futures_util::future::LocalBoxFuture;

use crate::{error::LoginError, login::login_of, user::User};

/// A rule that decides about a user.
type Rule<T> = dyn Fn(&T) -> bool + Send + Sync;

/// Lets a user through whom a rule allows, for all routes of a scope or a resource.
///
/// Another user gets 403, and a request of nobody is answered as for [`LoggedIn`](crate::LoggedIn), which a
/// handler behind the gate may take at no cost. It stands within [`Logins`](crate::Logins).
///
/// # Examples
///
/// ```
/// # use std::fmt::Display;
/// # struct Account { id: i64, is_admin: bool, password_hash: String }
/// # impl sessions_login::User for Account {
/// #     fn id(&self) -> impl Display { self.id }
/// #     fn stamp(&self) -> impl AsRef<[u8]> { &self.password_hash }
/// # }
/// use actix_web::web;
/// use sessions_login::Gate;
///
/// let admin = web::scope("/admin").wrap(Gate::<Account>::allow(|user| user.is_admin));
/// # let _ = admin;
/// ```
pub struct Gate<T> {
    rule: Arc<Rule<T>>,
}

impl<T: User> Gate<T> {
    /// Returns the gate that lets a user through for whom `rule` is true.
    pub fn allow(rule: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Self { rule: Arc::new(rule) }
    }
}

impl<T> Clone for Gate<T> {
    fn clone(&self) -> Self {
        Self { rule: Arc::clone(&self.rule) }
    }
}

impl<T> fmt::Debug for Gate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl<S, B, T> Transform<S, ServiceRequest> for Gate<T>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    T: User,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GateService<S, T>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(GateService { service: Rc::new(service), gate: self.clone() }))
    }
}

/// The service of [`Gate`].
pub struct GateService<S, T> {
    service: Rc<S>,
    gate: Gate<T>,
}

impl<S, B, T> Service<ServiceRequest> for GateService<S, T>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    T: User,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, gate) = (Rc::clone(&self.service), self.gate.clone());
        Box::pin(async move {
            let refused = match login_of::<T>(request.request()).await {
                Ok(login) if (gate.rule)(&login.user) => None,
                Ok(_) => Some(LoginError::NotAllowed),
                Err(err) => Some(err),
            };
            match refused {
                // No clone of the request is alive while the inner service routes.
                None => Ok(service.call(request).await?.map_into_left_body()),
                Some(err) => Ok(request.error_response(err).map_into_right_body()),
            }
        })
    }
}

impl<S, T> fmt::Debug for GateService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService").finish_non_exhaustive()
    }
}
