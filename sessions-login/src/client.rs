//! Who asks: what a login notes of the client, told to the session's handle before it is used.

use std::{fmt, net::IpAddr, sync::Arc};

use actix_web::{
    HttpRequest,
    http::header::{HeaderValue, USER_AGENT},
};
use sessions::session::{SessionSelector, layers::attach};

use crate::device::Device;
#[cfg(feature = "flask")]
use crate::flask::{FlaskClient, FlaskLogin};

/// Returns the address of a request's client.
type Address = dyn Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync;

/// What a login notes of its client: nothing, unless it is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) devices: Option<Devices>,
    #[cfg(feature = "flask")]
    pub(crate) flask: Option<FlaskLogin>,
}

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
    device: Option<DeviceOf>,
    #[cfg(feature = "flask")]
    pub(crate) flask: Option<FlaskClient>,
}

/// What a device is noted from.
struct DeviceOf {
    user_agent: Option<HeaderValue>,
    address: Option<IpAddr>,
}

impl Notes {
    /// Tells the session of this request who asks, if a login would note it.
    pub(crate) fn tell<I: SessionSelector>(&self, request: &HttpRequest) {
        let user_agent = || request.headers().get(USER_AGENT).cloned();
        let device = self.devices.as_ref().map(|devices| DeviceOf {
            user_agent: user_agent(),
            address: devices.address_of(request),
        });
        let client = Client {
            device,
            #[cfg(feature = "flask")]
            flask: self.flask.as_ref().map(|login| FlaskClient::of(login, request)),
        };
        if client.is_needed() {
            attach::<I, _>(request, client);
        }
    }
}

impl Client {
    fn is_needed(&self) -> bool {
        #[cfg(feature = "flask")]
        if self.flask.is_some() {
            return true;
        }
        self.device.is_some()
    }

    pub(crate) fn device(&self) -> Option<Device> {
        let DeviceOf { user_agent, address } = self.device.as_ref()?;
        Some(Device::new(user_agent.as_ref().map(HeaderValue::as_bytes), *address))
    }
}
