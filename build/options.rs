//! Makes what users set, and what `src/operation.rs` calls: the options of each
//! operation, their setters, and the `Operation` that they belong to.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::{
    contract::{Kind, Operation, OperationOption},
    requests::{Argument, Field, Request, Requests, last_segment},
};

pub(crate) fn generate(
    operations: &[Operation],
    requests: &Requests,
) -> Result<TokenStream, String> {
    let made: Vec<Made> = operations
        .iter()
        .zip(&requests.operations)
        .map(|(operation, request)| Made::new(operation, request))
        .collect::<Result<_, _>>()?;
    let code = &requests.code;
    let structs = made.iter().map(Made::options_struct);
    let enums: Vec<_> = made.iter().flat_map(Made::enums).collect();
    let enums = (!enums.is_empty()).then(|| quote!(pub use super::types::{#(#enums),*};));
    let setters = made.iter().map(Made::setters);
    let operation = operation(&made);
    Ok(quote! {
        use progenitor_client::encode_path;

        #code

        /// The options of each operation, from Okta's specification.
        ///
        /// A program that knows its options when it is written needs nothing from
        /// here: each call and each run has a method for each option. This is for
        /// one that passes on what its own users ask for by name.
        pub mod options {
            pub use crate::operation::{OptionInfo, OptionKind};
            #enums

            #(#structs)*
        }

        #(#setters)*

        #operation
    })
}

/// What an option must not be called: the methods of the builders that get its setter,
/// and the fields of the journal's header, next to which the journal keeps the options.
const RESERVED: [&str; 15] = [
    // calls
    "into_future",
    "new",
    "options",
    "send",
    // bulk runs
    "concurrency",
    "deadline",
    "exclude",
    "journal",
    "plan",
    "reserve",
    "share",
    "start",
    // the header
    "format",
    "org",
    "started",
];

/// What is made for one operation.
struct Made<'a> {
    operation: &'a Operation,
    request: &'a Request,
    options: Vec<MadeOption<'a>>,
    /// `RevokeUserSessions`
    variant: Ident,
    /// `RevokeUserSessionsOptions`
    options_struct: Ident,
}

/// What is made for one option.
struct MadeOption<'a> {
    option: &'a OperationOption,
    field: &'a Field,
    /// The type's own name.
    kind: Ident,
}

impl<'a> Made<'a> {
    fn new(operation: &'a Operation, request: &'a Request) -> Result<Self, String> {
        for option in &operation.options {
            if let Some(field) = request.options.get(&option.name)
                && RESERVED.iter().any(|reserved| field.name == reserved)
            {
                return Err(format!(
                    "{}: the option {} cannot have a setter: `{}` is a method of this crate's builders, or a field of the journal's header. Rename that, and remove the old name from RESERVED in build/options.rs",
                    operation.id, option.name, field.name
                ));
            }
        }
        let options = operation.options.iter().map(|option| {
            let field = request.options.get(&option.name)?;
            let kind = last_segment(&field.kind)?;
            Some(MadeOption {
                option,
                field,
                kind,
            })
        });
        let options = options.collect::<Option<_>>();
        let (first, rest) = operation.id.split_at(1);
        let variant = first.to_uppercase() + rest;
        Ok(Self {
            operation,
            request,
            options: options.ok_or_else(|| format!("{}: an option has no type", operation.id))?,
            options_struct: format_ident!("{variant}Options"),
            variant: format_ident!("{variant}"),
        })
    }

    /// The enums among the types of the options.
    fn enums(&self) -> impl Iterator<Item = &Ident> {
        let is_enum = |made: &&MadeOption| matches!(made.option.kind, Kind::OneOf(_));
        self.options.iter().filter(is_enum).map(|made| &made.kind)
    }

    fn options_struct(&self) -> TokenStream {
        let Self {
            operation,
            options,
            options_struct,
            ..
        } = self;
        let doc = format!(
            " The options of `{}` (`{} {}`). One that is `None` is not sent, so that the org's default applies.",
            operation.id,
            operation.method.to_uppercase(),
            operation.path
        );
        let fields = options.iter().map(|made| {
            let (doc, name, kind) = (made.doc(), &made.field.name, made.stored());
            quote!(#doc pub #name: Option<#kind>)
        });
        let infos = options.iter().map(|made| {
            let name = made.field.name.to_string();
            let description = &made.option.description;
            let kind = match &made.option.kind {
                Kind::Boolean => quote!(Boolean),
                Kind::Integer => quote!(Integer),
                Kind::Text => quote!(Text),
                Kind::OneOf(values) => quote!(OneOf(&[#(#values),*])),
            };
            quote!(OptionInfo { name: #name, kind: OptionKind::#kind, description: #description })
        });
        let arms = options.iter().map(|made| {
            let field = &made.field.name;
            let name = field.to_string();
            quote!(#name => self.#field = Some(OptionInfo::read(Self::ALL, name, value)?))
        });
        quote! {
            #[doc = #doc]
            #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
            #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
            #[serde(default)]
            #[non_exhaustive]
            pub struct #options_struct {
                #(#fields),*
            }

            impl #options_struct {
                /// Every option there is.
                pub const ALL: &'static [OptionInfo] = &[#(#infos),*];

                /// Sets the option of this name, from text.
                ///
                /// # Errors
                ///
                /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
                /// no such option, or it cannot have that value.
                pub fn set(&mut self, name: &str, value: &str) -> Result<(), crate::Error> {
                    match name {
                        #(#arms,)*
                        _ => return Err(OptionInfo::unknown(Self::ALL, name)),
                    }
                    Ok(())
                }
            }
        }
    }

    /// A macro, so that each type that has these options gets the same methods.
    fn setters(&self) -> TokenStream {
        let Self {
            request,
            options,
            options_struct,
            ..
        } = self;
        let setters = format_ident!("{}_setters", request.function);
        let doc = format!(
            " The setters of [`{options_struct}`](options::{options_struct}), for a type and the field of it that has them."
        );
        let functions = options.iter().map(|made| {
            let (doc, name) = (made.doc(), &made.field.name);
            let (takes, value) = match &made.option.kind {
                Kind::Boolean | Kind::Integer => {
                    let kind = &made.kind;
                    (quote!(#kind), quote!(value))
                }
                Kind::Text => (quote!(impl Into<String>), quote!(value.into())),
                Kind::OneOf(_) => {
                    let kind = &made.kind;
                    (quote!($crate::options::#kind), quote!(value))
                }
            };
            quote! {
                #doc
                pub fn #name(mut self, value: #takes) -> Self {
                    self.$($field).+.#name = Some(#value);
                    self
                }
            }
        });
        quote! {
            #[doc = #doc]
            macro_rules! #setters {
                ($type:ty: $($field:ident).+) => {
                    impl $type {
                        #(#functions)*

                        /// Sets all options at once, in place of any set before.
                        pub fn options(mut self, options: $crate::options::#options_struct) -> Self {
                            self.$($field).+ = options;
                            self
                        }
                    }
                };
            }
            pub(crate) use #setters;
        }
    }

    /// The arguments of the function that makes the request, in order.
    fn arguments(&self) -> TokenStream {
        let by_name = |name: &String| {
            let mut options = self.options.iter();
            options.find(|made| made.option.name == *name)
        };
        let arguments = self
            .request
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::PathParameter => quote!(user_id.as_str()),
                Argument::Option(name) => {
                    let made = by_name(name).map(|made| {
                        let field = &made.field.name;
                        match made.option.kind {
                            Kind::Text => quote!(options.#field.as_deref()),
                            _ => quote!(options.#field),
                        }
                    });
                    quote!(#made)
                }
                Argument::Body(body) => {
                    let in_body = self.options.iter().filter(|made| made.option.is_in_body());
                    let fields = in_body.map(|made| {
                        let field = &made.field.name;
                        match made.option.kind {
                            Kind::Text => quote!(#field: options.#field.clone()),
                            _ => quote!(#field: options.#field),
                        }
                    });
                    quote!(&types::#body { #(#fields),* })
                }
            });
        quote!(#(#arguments),*)
    }

    /// The fields of its variant of `Operation`.
    fn fields(&self) -> TokenStream {
        let user = self.has_user().then(|| quote!(user_id: crate::UserId,));
        let options = &self.options_struct;
        quote!(#user options: options::#options)
    }

    fn pattern(&self) -> TokenStream {
        let user = self.has_user().then(|| quote!(user_id,));
        quote!(#user options)
    }

    fn has_user(&self) -> bool {
        let is_user = |argument: &Argument| matches!(argument, Argument::PathParameter);
        self.request.arguments.iter().any(is_user)
    }
}

impl MadeOption<'_> {
    fn doc(&self) -> TokenStream {
        let description = format!(" {}", self.option.description);
        let sent = format!(" Okta's `{}`. Not sent unless it is set.", self.option.name);
        quote!(#[doc = #description] #[doc = ""] #[doc = #sent])
    }

    /// What the options' struct keeps.
    fn stored(&self) -> Ident {
        match self.option.kind {
            Kind::Text => format_ident!("String"),
            _ => self.kind.clone(),
        }
    }
}

fn operation(made: &[Made]) -> TokenStream {
    let all = |each: fn(&Made) -> TokenStream| made.iter().map(each);
    let variants = all(|made| {
        let (variant, fields) = (&made.variant, made.fields());
        quote!(#variant { #fields })
    });
    let names = all(|made| {
        let (variant, id) = (&made.variant, &made.operation.id);
        quote!(Self::#variant { .. } => #id)
    });
    let paths = all(|made| {
        let (variant, path) = (&made.variant, &made.operation.path);
        quote!(Self::#variant { .. } => #path)
    });
    let successes = all(|made| {
        let (variant, success) = (&made.variant, made.operation.success);
        quote!(Self::#variant { .. } => #success)
    });
    let requests = all(|made| {
        let Made {
            variant, request, ..
        } = made;
        let (function, pattern, arguments) = (&request.function, made.pattern(), made.arguments());
        quote!(Self::#variant { #pattern } => client.#function(#arguments))
    });
    quote! {
        /// One call of one operation, with everything that makes its request.
        #[derive(Clone, Debug)]
        pub(crate) enum Operation {
            #(#variants),*
        }

        impl Operation {
            /// As the specification names it.
            pub(crate) fn id(&self) -> &'static str {
                match self { #(#names),* }
            }

            /// The path as the specification has it, without a user's id.
            pub(crate) fn path_template(&self) -> &'static str {
                match self { #(#paths),* }
            }

            /// The status that the specification has for success.
            pub(crate) fn success_status(&self) -> u16 {
                match self { #(#successes),* }
            }

            /// The request as the specification has it.
            pub(crate) fn build(
                &self,
                client: &reqwest::Client,
                org: &reqwest::Url,
            ) -> reqwest::Result<reqwest::Request> {
                let client = Client { client, org, baseurl: "" };
                match self { #(#requests),* }
            }
        }
    }
}

/// Run by the tests of `openapi/trim`, which include the build script.
#[cfg(test)]
mod tests {
    use super::super::contract::Place;
    use super::*;

    fn generated(name: &str, setter: &str) -> Result<TokenStream, String> {
        let operation = Operation {
            id: "revokeUserSessions",
            method: "delete",
            path: "/sessions",
            success: 204,
            options: vec![OperationOption {
                name: name.into(),
                description: "Do it.".into(),
                kind: Kind::Boolean,
                place: Place::Query,
            }],
        };
        let field = Field {
            name: format_ident!("{setter}"),
            kind: syn::parse_quote!(bool),
        };
        let request = Request {
            function: format_ident!("revoke_user_sessions"),
            arguments: vec![Argument::Option(name.into())],
            options: [(name.to_owned(), field)].into(),
        };
        let requests = Requests {
            code: TokenStream::new(),
            operations: vec![request],
        };
        generate(&[operation], &requests)
    }

    #[test]
    fn an_option_with_the_name_of_a_method_or_a_header_field_is_refused() {
        assert!(generated("signOutApps", "sign_out_apps").is_ok());
        for (name, setter) in [
            ("dryRun", "plan"),
            ("startedAt", "started"),
            ("send", "send"),
        ] {
            let refused = generated(name, setter).unwrap_err();
            assert!(
                refused.starts_with("revokeUserSessions: ")
                    && refused.contains(name)
                    && refused.contains(&format!("`{setter}`")),
                "{refused}"
            );
        }
    }
}
