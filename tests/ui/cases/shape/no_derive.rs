//! Without the derive it is said what is missing.

use sessions::SessionMiddleware;

struct AppSessions;

fn main() {
    let _ = SessionMiddleware::new(AppSessions);
}
