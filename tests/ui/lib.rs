//! The cases in `cases` are compiled with the dependencies of this package.
