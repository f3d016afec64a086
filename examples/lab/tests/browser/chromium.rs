//! A headless Chromium, driven over the pipe of its `DevTools` protocol.

use std::{
    cell::{Cell, RefCell},
    fs,
    io::{BufRead as _, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A browser. Stopped when dropped.
pub(crate) struct Chromium {
    child: Child,
    requests: Mutex<ChildStdin>,
    messages: Receiver<Value>,
    last_id: Cell<u64>,
    /// What came beside answers.
    events: RefCell<Vec<Value>>,
    profile: Profile,
}

/// The folder in which a browser keeps its cookies. Removed when dropped.
pub(crate) struct Profile(PathBuf);

/// A page in a browser.
pub(crate) struct Tab<'b> {
    browser: &'b Chromium,
    /// The session of the protocol.
    session: String,
}

/// A cookie in the jar of a browser.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) domain: String,
    pub(crate) path: String,
    pub(crate) samesite: String,
    pub(crate) secure: bool,
    pub(crate) httponly: bool,
    /// Gone when the browser is closed.
    pub(crate) is_of_browser_session: bool,
    /// The site that it is partitioned by.
    pub(crate) partition: Option<String>,
}

impl Profile {
    pub(crate) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("profile-{}-{number}", std::process::id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Chromium {
    pub(crate) fn start() -> Self {
        Self::with_profile(Profile::new())
    }

    pub(crate) fn with_profile(profile: Profile) -> Self {
        // The browser reads the protocol from descriptor 3 and writes it to 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "chromium"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.0.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts");
        let requests = Mutex::new(child.stdin.take().expect("it is piped"));
        let answers = child.stdout.take().expect("it is piped");
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let Ok(message) = message else { return };
                let message = serde_json::from_slice(&message).expect("the protocol is JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            requests,
            messages,
            last_id: Cell::new(0),
            events: RefCell::default(),
            profile,
        }
    }

    /// Returns a new page.
    pub(crate) fn tab(&self) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", &json!({"url": "about:blank"}));
        self.attach(&target["targetId"])
    }

    /// Returns a page with a jar of its own, as in the browser of somebody else.
    pub(crate) fn tab_elsewhere(&self) -> Tab<'_> {
        let context = self.call(None, "Target.createBrowserContext", &json!({}));
        let params = json!({"url": "about:blank", "browserContextId": context["browserContextId"]});
        let target = self.call(None, "Target.createTarget", &params);
        self.attach(&target["targetId"])
    }

    /// Returns the frame of another site that shows this address.
    pub(crate) fn frame(&self, url: &str) -> Tab<'_> {
        let target = wait("a frame", || {
            let targets = self.call(None, "Target.getTargets", &json!({}));
            let targets = targets["targetInfos"].as_array()?;
            let is_it = |target: &&Value| target["type"] == "iframe" && target["url"] == url;
            targets.iter().find(is_it).map(|target| target["targetId"].clone())
        });
        self.attach(&target)
    }

    fn attach(&self, target: &Value) -> Tab<'_> {
        let params = json!({"targetId": target, "flatten": true});
        let attached = self.call(None, "Target.attachToTarget", &params);
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        Tab { browser: self, session }
    }

    /// Returns what is in the jar, sorted by name.
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        let answer = self.call(None, "Storage.getCookies", &json!({}));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let cookies = answer["cookies"].as_array().expect("a list");
        let mut cookies: Vec<_> = cookies
            .iter()
            .map(|cookie| Cookie {
                name: text(&cookie["name"]),
                value: text(&cookie["value"]),
                domain: text(&cookie["domain"]),
                path: text(&cookie["path"]),
                samesite: text(&cookie["sameSite"]),
                secure: cookie["secure"] == true,
                httponly: cookie["httpOnly"] == true,
                is_of_browser_session: cookie["session"] == true,
                partition: cookie["partitionKey"]["topLevelSite"].as_str().map(str::to_owned),
            })
            .collect();
        cookies.sort_by(|one, other| {
            (&one.name, &one.partition).cmp(&(&other.name, &other.partition))
        });
        cookies
    }

    /// Returns the cookie with this name.
    pub(crate) fn cookie(&self, name: &str) -> Option<Cookie> {
        self.cookies().into_iter().find(|cookie| cookie.name == name)
    }

    /// Closes the browser as a user does: it writes to its profile what outlives it.
    pub(crate) fn close(mut self) -> Profile {
        self.call(None, "Browser.close", &json!({}));
        wait("the end of chromium", || self.child.try_wait().expect("it is a child"));
        std::mem::replace(&mut self.profile, Profile(PathBuf::new()))
    }

    fn call(&self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.try_call(session, method, params).unwrap_or_else(|err| panic!("{method}: {err}"))
    }

    fn try_call(
        &self,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Result<Value, Value> {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        let mut request = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            request["sessionId"] = session.into();
        }
        let mut requests = self.requests.lock().expect("nobody panics with it");
        requests.write_all(format!("{request}\0").as_bytes()).expect("chromium reads");
        requests.flush().expect("chromium reads");
        loop {
            let mut message = self.messages.recv_timeout(PATIENCE).expect("chromium answers");
            if message["id"] != id {
                self.events.borrow_mut().push(message);
                continue;
            }
            return match message.get("error") {
                Some(err) => Err(err.clone()),
                None => Ok(message["result"].take()),
            };
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tab<'_> {
    /// Goes to a page, as from the address bar, and waits until it is there.
    pub(crate) fn open(&self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
        self.wait_for("document.readyState === 'complete'");
    }

    /// Clicks on what leads to another page, and waits until it is there.
    pub(crate) fn follow(&self, selector: &str) {
        let selector = json!(selector);
        self.eval(&format!("window.isLeft = true; document.querySelector({selector}).click()"));
        self.wait_for("!window.isLeft && document.readyState === 'complete'");
    }

    /// Writes into a field.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.eval(&format!("document.querySelector({selector}).value = {text}"));
    }

    /// Returns the text that a user sees in an element, or nothing where there is none.
    pub(crate) fn text(&self, selector: &str) -> String {
        let selector = json!(selector);
        let text = self.eval(&format!("document.querySelector({selector})?.innerText ?? ''"));
        text.as_str().expect("a text").to_owned()
    }

    /// Whether an element is on the page.
    pub(crate) fn has(&self, selector: &str) -> bool {
        let selector = json!(selector);
        self.eval(&format!("document.querySelector({selector}) !== null")) == true
    }

    /// Returns what an expression evaluates to on the page.
    pub(crate) fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).unwrap_or_else(|err| panic!("{expression}: {err}"))
    }

    /// Waits until an expression is true on the page.
    pub(crate) fn wait_for(&self, expression: &str) {
        // While a page goes and another comes, there is nothing to ask.
        wait(expression, || self.try_eval(expression).ok().filter(|it| *it == true));
    }

    fn try_eval(&self, expression: &str) -> Result<Value, Value> {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.browser.try_call(Some(&self.session), "Runtime.evaluate", &params)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(details.clone()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Sets the size of the window, in pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Sets what the system prefers: `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Begins to listen to what the browser complains of on this page.
    pub(crate) fn listen(&self) {
        self.call("Log.enable", &json!({}));
        self.call("Runtime.enable", &json!({}));
    }

    /// Returns what the browser complained of: policies that a page breaks, files that are missing, scripts that throw.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let is_one = |event: &&Value| {
            event["sessionId"] == self.session
                && (event["method"] == "Log.entryAdded"
                    || event["method"] == "Runtime.exceptionThrown")
        };
        let events = self.browser.events.borrow();
        events.iter().filter(is_one).map(|event| event["params"].to_string()).collect()
    }

    /// Presses a key, as a user does.
    pub(crate) fn press(&self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Returns a picture of the page as PNG, in base64.
    pub(crate) fn picture(&self) -> String {
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        answer["data"].as_str().expect("a picture").to_owned()
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "still waiting for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
