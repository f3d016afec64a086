//! The tokens of a valid struct: two implementations that call into `sessions`.

mod methods;
mod overrides;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote, parse_quote_spanned};

use self::{
    methods::{config, content_policies, cookie_policies, open_session, save_session},
    overrides::overrides,
};
use crate::{
    ast::{Input, located},
    check::check,
    errors::Errors,
    fallback,
};

/// Writes the implementations, or why there are none.
pub(crate) fn derive(original: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let input = Input::from_syn(original, &mut errors);
    check(&input, &mut errors);
    match errors.finish(()) {
        Ok(()) => {
            let mut tokens = interface(&input);
            tokens.extend(transform(&input));
            tokens
        }
        Err(err) => fallback::expand(&input, &err),
    }
}

fn interface(input: &Input<'_>) -> TokenStream {
    let krate = input.krate();
    let name = &input.original.ident;
    let (impl_generics, type_generics, where_clause) = input.original.generics.split_for_impl();
    let overrides = overrides(&input.attrs, &krate);
    let open_session = open_session(input, &krate);
    let save_session = save_session(input, &krate);
    let config = config(input, &krate);
    let cookie_policies = cookie_policies(&input.attrs, &krate);
    let content_policies = content_policies(&input.attrs, &krate);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::SessionInterface for #name #type_generics #where_clause {
            type Content = #krate::Dictionary;
            #overrides
            #open_session
            #save_session
            #config
            #cookie_policies
            #content_policies
        }
    }
}

/// `App::wrap` takes the value itself. A missing `Clone` is one error, at the type's name.
pub(crate) fn transform(input: &Input<'_>) -> TokenStream {
    let krate = input.krate();
    let private = quote!(#krate::__private);
    let name = &input.original.ident;
    let (_, type_generics, _) = input.original.generics.split_for_impl();
    let mut generics = input.original.generics.clone();
    generics.params.push(parse_quote!(__S));
    generics.params.push(parse_quote!(__B));
    let predicates = &mut generics.make_where_clause().predicates;
    predicates.push(parse_quote! {
        __S: #private::Service<
            #private::ServiceRequest,
            Response = #private::ServiceResponse<__B>,
            Error = #private::Error,
        > + 'static
    });
    predicates.push(parse_quote!(__B: 'static));
    predicates.push(parse_quote_spanned!(located(name)=> Self: ::core::clone::Clone));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Transform<__S, #private::ServiceRequest>
            for #name #type_generics #where_clause
        {
            type Response = #private::ServiceResponse<__B>;
            type Error = #private::Error;
            type Transform = #krate::SessionService<__S, Self>;
            type InitError = ();
            type Future = #private::Ready<::core::result::Result<Self::Transform, ()>>;

            fn new_transform(&self, service: __S) -> Self::Future {
                #private::new_transform(self, service)
            }
        }
    }
}
