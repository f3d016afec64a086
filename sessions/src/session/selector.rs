//! The type parameter of [`Session`](crate::Session): which session of the request it is.

use std::{any::Any, sync::Arc};

use crate::{
    error::ExtractError,
    interface::SessionInterface,
    request::{AnySlot, Slot},
};

/// Selects the only session of the request, whatever its interface.
///
/// Such a handle reads and writes keys. Typed content needs the interface: `Session<AppSessions>`.
#[derive(Debug)]
pub enum Inferred {}

/// The session that a handle selects: the one of an interface, or the only one ([`Inferred`]).
///
/// Implemented for every [`SessionInterface`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session interface",
    label = "names no session",
    note = "`Session<…>` takes the type that is wrapped: one with `#[derive(SessionInterface)]`"
)]
pub trait SessionSelector: 'static + sealed::SessionSelector {}

pub(super) mod sealed {
    use super::{AnySlot, Arc, ExtractError};

    pub trait SessionSelector {
        /// The slot's type, erased for `Inferred`.
        type Slot: ?Sized;
        /// The content of the interface. That of `Inferred` is not known, and stands for no typed content.
        type Content;

        #[doc(hidden)]
        fn pick(innermost: &Arc<dyn AnySlot>) -> Result<Arc<Self::Slot>, ExtractError>;
        #[doc(hidden)]
        fn any(slot: &Self::Slot) -> &dyn AnySlot;
        #[doc(hidden)]
        fn erased(slot: &Arc<Self::Slot>) -> Arc<dyn AnySlot>;
        #[doc(hidden)]
        fn missing() -> &'static str;
    }
}

impl<I: SessionInterface> SessionSelector for I {}

impl<I: SessionInterface> sealed::SessionSelector for I {
    type Slot = Slot<I>;
    type Content = <I as SessionInterface>::Content;

    fn pick(innermost: &Arc<dyn AnySlot>) -> Result<Arc<Slot<I>>, ExtractError> {
        let mut candidate = Some(innermost);
        while let Some(slot) = candidate {
            let any: Arc<dyn Any + Send + Sync> = Arc::<dyn AnySlot>::clone(slot);
            if let Ok(found) = any.downcast() {
                return Ok(found);
            }
            candidate = slot.outer();
        }
        Err(ExtractError::NotWrapped { missing: Self::missing() })
    }

    fn any(slot: &Slot<I>) -> &dyn AnySlot {
        slot
    }

    fn erased(slot: &Arc<Slot<I>>) -> Arc<dyn AnySlot> {
        Arc::<Slot<I>>::clone(slot)
    }

    fn missing() -> &'static str {
        std::any::type_name::<I>()
    }
}

impl SessionSelector for Inferred {}

impl sealed::SessionSelector for Inferred {
    type Slot = dyn AnySlot;
    type Content = Self;

    fn pick(innermost: &Arc<dyn AnySlot>) -> Result<Arc<dyn AnySlot>, ExtractError> {
        match innermost.outer() {
            None => Ok(Arc::clone(innermost)),
            Some(outer) => Err(ExtractError::Ambiguous {
                inner: innermost.interface_name(),
                outer: outer.interface_name(),
            }),
        }
    }

    fn any(slot: &dyn AnySlot) -> &dyn AnySlot {
        slot
    }

    fn erased(slot: &Arc<dyn AnySlot>) -> Arc<dyn AnySlot> {
        Arc::clone(slot)
    }

    fn missing() -> &'static str {
        "a session interface"
    }
}
