//! The application that the figures are measured on, as a process of its own.

fn main() -> std::io::Result<()> {
    sessions_tests::reliability::site::main()
}
