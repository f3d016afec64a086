//! The typed view of the item that the derive is on.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Member};

use crate::{
    attr::{FieldAttrs, Key, StructAttrs},
    errors::Errors,
};

/// A struct that becomes an interface, or an enum or union, which is an error.
pub(crate) struct Input<'a> {
    pub(crate) original: &'a DeriveInput,
    pub(crate) attrs: StructAttrs,
    pub(crate) fields: Vec<Field<'a>>,
}

/// A field of the struct.
pub(crate) struct Field<'a> {
    pub(crate) original: &'a syn::Field,
    pub(crate) member: Member,
    /// `None` when they are invalid, which is reported already.
    pub(crate) attrs: Option<FieldAttrs>,
}

impl<'a> Input<'a> {
    /// Reads the item.
    pub(crate) fn from_syn(original: &'a DeriveInput, errors: &mut Errors) -> Self {
        let attrs = StructAttrs::from_syn(&original.attrs, errors);
        let fields = match &original.data {
            Data::Struct(data) => data
                .fields
                .iter()
                .zip(data.fields.members())
                .map(|(original, member)| Field {
                    original,
                    member,
                    attrs: errors.handle(FieldAttrs::from_syn(&original.attrs)),
                })
                .collect(),
            Data::Enum(_) | Data::Union(_) => {
                let message = "`SessionInterface` can only be derived for structs";
                errors.push_at(&original.ident, message);
                Vec::new()
            }
        };
        Self { original, attrs, fields }
    }

    pub(crate) fn is_struct(&self) -> bool {
        matches!(self.original.data, Data::Struct(_))
    }

    /// Returns the field that opens and saves: the backend, else the configuration, which signs
    /// cookies with its key.
    pub(crate) fn backend(&self) -> Option<&Field<'a>> {
        self.field(Key::Backend).or_else(|| self.config())
    }

    /// Returns the field with the settings that are read at run time.
    pub(crate) fn config(&self) -> Option<&Field<'a>> {
        self.field(Key::Config)
    }

    /// Returns the field with this key, else the field of this name.
    fn field(&self, key: Key) -> Option<&Field<'a>> {
        let marked = |field: &&Field<'_>| field.mark(key).is_some();
        let named =
            |field: &&Field<'_>| matches!(&field.member, Member::Named(name) if name == key.word());
        let mut fields = self.fields.iter();
        fields.clone().find(marked).or_else(|| fields.find(named))
    }

    /// Returns the path of `sessions`.
    pub(crate) fn krate(&self) -> TokenStream {
        let given = self.attrs.krate.as_ref();
        given.map_or_else(|| quote!(::sessions), ToTokens::to_token_stream)
    }
}

impl Field<'_> {
    /// Returns the key that gives the field this role.
    pub(crate) fn mark(&self, key: Key) -> Option<&Ident> {
        self.attrs.as_ref()?.seen.ident(key)
    }
}
