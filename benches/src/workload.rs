//! What a request does with its session.

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// No cookie; the handler does not use the session.
    Untouched,
    /// A cookie; the handler does not use the session.
    Unused,
    /// The handler reads an integer of the small session.
    Read,
    /// The handler reads an integer of the small session and writes the next one.
    Write,
    /// No cookie; the handler writes the three keys of the small session.
    Create,
    /// As `Read`, of the large session.
    ReadLarge,
    /// As `Write`, of the large session.
    WriteLarge,
}

/// Which session's cookie a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// None.
    Nothing,
    /// That of three keys.
    Small,
    /// That of twenty.
    Large,
}

impl Workload {
    /// All, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::Untouched,
        Self::Unused,
        Self::Read,
        Self::Write,
        Self::Create,
        Self::ReadLarge,
        Self::WriteLarge,
    ];

    /// Returns the short name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Untouched => "W0",
            Self::Unused => "W1",
            Self::Read => "W2",
            Self::Write => "W3",
            Self::Create => "W4",
            Self::ReadLarge => "W5r",
            Self::WriteLarge => "W5w",
        }
    }

    /// Returns the workload of this short name.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.code() == code)
    }

    /// Returns what the workload is, for tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Untouched => "no cookie, session unused",
            Self::Unused => "cookie, session unused",
            Self::Read => "read one integer",
            Self::Write => "read and write",
            Self::Create => "create",
            Self::ReadLarge => "read, large",
            Self::WriteLarge => "write, large",
        }
    }

    /// Returns the page that does it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Untouched | Self::Unused => "/untouched",
            Self::Read | Self::ReadLarge => "/read",
            Self::Write | Self::WriteLarge => "/write",
            Self::Create => "/create",
        }
    }

    /// Returns which cookie the request carries.
    pub fn carries(self) -> Carries {
        match self {
            Self::Untouched | Self::Create => Carries::Nothing,
            Self::Unused | Self::Read | Self::Write => Carries::Small,
            Self::ReadLarge | Self::WriteLarge => Carries::Large,
        }
    }
}
