//! The tables' names: given by the application, and written into statements.

use std::io;

/// The bytes that PostgreSQL keeps of a name, without the longest suffix of this crate.
const MAX_LENGTH: usize = 63 - "_ended_expires".len();

/// The names of the tables and their indexes.
#[derive(Clone, Debug)]
pub struct Table {
    schema: Option<Box<str>>,
    name: Box<str>,
    quote: char,
}

/// The name is invalid.
#[derive(Debug, thiserror::Error)]
#[error(
    "the table name `{0}` is invalid; expected letters, digits and `_`, at most {MAX_LENGTH}, no digit at the start{schema}",
    schema = if *.1 { ", and optionally such a name of a schema and a dot before it" } else { "" }
)]
struct InvalidTableName(String, bool);

impl Table {
    /// The table `sessions`.
    pub(crate) fn sessions(quote: char) -> Self {
        Self { schema: None, name: "sessions".into(), quote }
    }

    /// Parses `name`, or `schema.name` where there are schemas.
    pub(crate) fn parse(text: &str, has_schemas: bool, quote: char) -> io::Result<Self> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) if has_schemas => (Some(schema), name),
            _ => (None, text),
        };
        if [schema, Some(name)].into_iter().flatten().all(is_name) {
            Ok(Self { schema: schema.map(Box::from), name: name.into(), quote })
        } else {
            let err = InvalidTableName(text.to_owned(), has_schemas);
            Err(io::Error::new(io::ErrorKind::InvalidInput, err))
        }
    }

    /// Returns the quoted name of the table of records.
    pub(crate) fn records(&self) -> String {
        self.quoted("")
    }

    /// Returns the quoted name of the table of owners whose sessions were ended.
    pub(crate) fn ended(&self) -> String {
        self.quoted("_ended")
    }

    /// Writes these names into a migration in place of the quoted `sessions…`. An index is always in the
    /// schema of its table: its name takes no schema.
    pub(crate) fn rename(&self, migration: &str) -> String {
        let quote = self.quote;
        let start = format!("{quote}sessions");
        let mut pieces = migration.split(&start);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |renamed, piece| {
            let (suffix, rest) =
                piece.split_once(quote).expect("a quoted name has a closing quote");
            let name = match suffix {
                "" | "_ended" => self.quoted(suffix),
                index => format!("{quote}{}{index}{quote}", self.name),
            };
            renamed + &name + rest
        })
    }

    fn quoted(&self, suffix: &str) -> String {
        let Self { schema, name, quote } = self;
        match schema {
            Some(schema) => format!("{quote}{schema}{quote}.{quote}{name}{suffix}{quote}"),
            None => format!("{quote}{name}{suffix}{quote}"),
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(is_start)
        && text.bytes().all(|byte| is_start(byte) || byte.is_ascii_digit())
        && text.len() <= MAX_LENGTH
}

#[cfg(test)]
mod tests {
    use super::Table;

    const MIGRATION: &str = r#"TABLE "sessions", INDEX "sessions_owner" ON "sessions", "sessions_ended", "sessions_ended_expires""#;

    #[test]
    fn a_name_goes_into_tables_and_indexes() {
        let table = Table::parse("sessions_app", false, '\"').unwrap();
        assert_eq!(
            table.rename(MIGRATION),
            r#"TABLE "sessions_app", INDEX "sessions_app_owner" ON "sessions_app", "sessions_app_ended", "sessions_app_ended_expires""#
        );
        assert_eq!(Table::sessions('"').rename(MIGRATION), MIGRATION);
    }

    #[test]
    fn a_name_has_the_quotes_of_its_database() {
        let table = Table::parse("app.kept", true, '`').unwrap();
        assert_eq!(
            table.rename("TABLE `sessions` (`key`), TABLE `sessions_ended`"),
            "TABLE `app`.`kept` (`key`), TABLE `app`.`kept_ended`"
        );
    }

    #[test]
    fn a_schema_goes_before_tables_and_not_before_indexes() {
        let table = Table::parse("app.kept", true, '\"').unwrap();
        assert_eq!(
            table.rename(MIGRATION),
            r#"TABLE "app"."kept", INDEX "kept_owner" ON "app"."kept", "app"."kept_ended", "kept_ended_expires""#
        );
    }

    #[test]
    fn an_invalid_name_is_refused_with_the_rule() {
        for text in ["", "1st", "a b", "a\"", "a;", "é", "a.b.c", ".a", "a.", &"a".repeat(50)] {
            assert!(Table::parse(text, true, '\"').is_err(), "{text}");
        }
        assert!(Table::parse(&"a".repeat(49), true, '\"').is_ok());
        let message = Table::parse("app.sessions", false, '\"').unwrap_err().to_string();
        assert_eq!(
            message,
            "the table name `app.sessions` is invalid; expected letters, digits and `_`, at most 49, no digit at the start"
        );
        let message = Table::parse("1", true, '\"').unwrap_err().to_string();
        assert!(message.ends_with(", and optionally such a name of a schema and a dot before it"));
    }
}
