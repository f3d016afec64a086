//! The tables' names, which come from the application and go into statements.

use std::io;

/// What PostgreSQL keeps of a name, without the longest of our endings.
const MAX_LENGTH: usize = 63 - "_ended_expires".len();

/// The names of the tables and their indexes.
#[derive(Clone, Debug)]
pub struct Table {
    schema: Option<Box<str>>,
    name: Box<str>,
}

/// The name is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no name for a table of sessions: it takes letters, digits and `_`, no digit first, {MAX_LENGTH} at most{schema}",
    schema = if *.1 { ", and such a name of a schema with a dot before it" } else { "" }
)]
struct NoTableName(String, bool);

impl Table {
    /// The table `sessions`.
    pub(crate) fn sessions() -> Self {
        Self { schema: None, name: "sessions".into() }
    }

    /// Reads `name`, or `schema.name` where there are schemas.
    pub(crate) fn parse(text: &str, has_schemas: bool) -> io::Result<Self> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) if has_schemas => (Some(schema), name),
            _ => (None, text),
        };
        if [schema, Some(name)].into_iter().flatten().all(is_name) {
            Ok(Self { schema: schema.map(Box::from), name: name.into() })
        } else {
            let err = NoTableName(text.to_owned(), has_schemas);
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

    /// Puts these names into a migration, where `"sessions…"` stands for them. Indexes are in the
    /// schema of their table, and take none.
    pub(crate) fn rename(&self, migration: &str) -> String {
        let mut pieces = migration.split("\"sessions");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |renamed, piece| {
            let (ending, rest) = piece.split_once('"').expect("a quoted name has an end");
            let name = match ending {
                "" | "_ended" => self.quoted(ending),
                index => format!("\"{}{index}\"", self.name),
            };
            renamed + &name + rest
        })
    }

    fn quoted(&self, ending: &str) -> String {
        let name = &self.name;
        match &self.schema {
            Some(schema) => format!("\"{schema}\".\"{name}{ending}\""),
            None => format!("\"{name}{ending}\""),
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
        let table = Table::parse("sessions_app", false).unwrap();
        assert_eq!(
            table.rename(MIGRATION),
            r#"TABLE "sessions_app", INDEX "sessions_app_owner" ON "sessions_app", "sessions_app_ended", "sessions_app_ended_expires""#
        );
        assert_eq!(Table::sessions().rename(MIGRATION), MIGRATION);
    }

    #[test]
    fn a_schema_goes_before_tables_and_not_before_indexes() {
        let table = Table::parse("app.kept", true).unwrap();
        assert_eq!(
            table.rename(MIGRATION),
            r#"TABLE "app"."kept", INDEX "kept_owner" ON "app"."kept", "app"."kept_ended", "kept_ended_expires""#
        );
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_rule() {
        for text in ["", "1st", "a b", "a\"", "a;", "é", "a.b.c", ".a", "a.", &"a".repeat(50)] {
            assert!(Table::parse(text, true).is_err(), "{text}");
        }
        assert!(Table::parse(&"a".repeat(49), true).is_ok());
        let said = Table::parse("app.sessions", false).unwrap_err().to_string();
        assert_eq!(
            said,
            "`app.sessions` is no name for a table of sessions: it takes letters, digits and `_`, no digit first, 49 at most"
        );
        let said = Table::parse("1", true).unwrap_err().to_string();
        assert!(said.ends_with("49 at most, and such a name of a schema with a dot before it"));
    }
}
