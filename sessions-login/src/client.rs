//! Who asks: what a login notes of the client, told to the session's handle before it is used.

use std::{fmt, net::IpAddr, sync::Arc};

use actix_web::{
    HttpRequest,
    http::header::{HeaderValue, USER_AGENT},
};
use sessions::session::{SessionSelector, layers::attach};

use crate::device::Device;

/// Returns the address of a request's client.
type Address = dyn Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync;

/// Which devices are noted: with the address of the connection, or what the application says.
#[derive(Clone, Default)]
pub(crate) struct Devices {
    address: Option<Arc<Address>>,
}

impl Devices {
    pub(crate) fn by_address(
        address: impl Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { address: Some(Arc::new(address)) }
    }

    fn address_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        match &self.address {
            Some(address) => address(request),
            None => request.peer_addr().map(|address| address.ip()),
        }
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devices").finish_non_exhaustive()
    }
}

/// The client of a request, as its session's handle knows it.
pub(crate) struct Client {
    user_agent: Option<HeaderValue>,
    address: Option<IpAddr>,
}

impl Client {
    /// Tells the session of this request who asks.
    pub(crate) fn tell<I: SessionSelector>(devices: &Devices, request: &HttpRequest) {
        let user_agent = request.headers().get(USER_AGENT).cloned();
        attach::<I, _>(request, Self { user_agent, address: devices.address_of(request) });
    }

    pub(crate) fn device(&self) -> Device {
        Device::new(self.user_agent.as_ref().map(HeaderValue::as_bytes), self.address)
    }
}
