//! The scheduler: sends requests, lets their calls go on in any order, and lets things go wrong.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fastrand::Rng;
use sessions::{
    ServerSide, SessionConfig,
    store::Store,
    test::{TestClock, store::owner_key_in},
};
use sessions_tests::TimedStore;
use tokio::task::{JoinHandle, spawn_local, yield_now};

use super::{
    application::Host,
    event::{Answered, What},
    figures::Figures,
    model::{Checked, Model},
    request::{Asked, Mood, OWNERS},
    stopped_store::StoppedStore,
    stops::{Order, REQUEST, Stop, Stops},
};

/// How many requests are under way at most.
const AT_ONCE: usize = 6;
const CLIENTS: usize = 2;
/// How far the hosts' clocks are ahead of the store's, in seconds.
const AHEAD: [i64; 3] = [0, 300, -300];
/// How often tasks run between two steps: each wakes a few others at most.
const TURNS: usize = 10;

/// The store of a history.
pub(super) type Stopped<S> = StoppedStore<TimedStore<S>>;

/// One history.
pub(super) struct History<S: Store> {
    pub(super) rng: Rng,
    pub(super) clock: TestClock,
    pub(super) stops: Arc<Stops>,
    pub(super) hosts: Vec<Host<Stopped<S>>>,
    pub(super) model: Model,
    /// The cookie of each client.
    pub(super) jars: Vec<Option<String>>,
    /// Every token that an attacker has heard of.
    known: Vec<String>,
    mood: Mood,
    under_way: BTreeMap<usize, UnderWay>,
    /// How often the calls of each request are chosen to go on: some are overtaken by many.
    paces: Vec<u32>,
    /// Answers on their way: by number of their requests.
    answers: BTreeMap<usize, Answered>,
    pub(super) trace: Vec<String>,
    pub(super) figures: Figures,
}

struct UnderWay {
    /// `None` for the attacker, who uses any token.
    client: Option<usize>,
    task: JoinHandle<()>,
}

impl<S: Store> History<S> {
    pub(super) async fn new(store: S, namespace: &str, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let clock = TestClock::new();
        let stops = Arc::new(Stops::new(clock.clone(), rng.u64(..)));
        let timed = TimedStore::new(store, clock.clone());
        let store = StoppedStore::new(timed, Arc::clone(&stops), rng.bool());
        let mood = Mood::random(&mut rng);
        let config = config(mood, &mut rng);
        let mut hosts = Vec::new();
        for ahead in AHEAD {
            let time = if ahead == 0 { clock.clone() } else { TestClock::new() };
            let apart = Duration::from_secs(ahead.unsigned_abs());
            if ahead < 0 {
                time.go_back(apart);
            } else {
                time.advance(apart);
            }
            let backend = ServerSide::new(store.clone()).with_owner_namespace(namespace);
            hosts.push(Host::new(backend, config.clone(), time).await);
        }
        let owners = OWNERS.map(|owner| (owner_key_in(namespace, owner), owner));
        Self {
            rng,
            clock,
            stops,
            hosts,
            model: Model { owners: owners.into(), ..Model::default() },
            jars: vec![None; CLIENTS],
            known: Vec::new(),
            mood,
            under_way: BTreeMap::new(),
            paces: Vec::new(),
            answers: BTreeMap::new(),
            trace: Vec::new(),
            figures: Figures::default(),
        }
    }

    /// Makes one step.
    pub(super) async fn step(&mut self) -> Checked {
        self.figures.steps += 1;
        let waiting = self.stops.waiting();
        let at_once = if matches!(self.mood, Mood::Calm) { 2 } else { AT_ONCE };
        let may_send = self.under_way.len() < at_once;
        let weights = [
            if may_send { 6 } else { 0 },
            if waiting.is_empty() { 0 } else { 24 },
            if self.answers.is_empty() { 0 } else { 5 },
            u32::from(!waiting.is_empty()),
            u32::from(!self.under_way.is_empty()),
            // A calm history lets time pass between requests only, so that its sessions live long.
            match self.mood {
                Mood::Calm if self.under_way.is_empty() => 10,
                Mood::Calm => 0,
                Mood::Mixed | Mood::Ending => 2,
            },
            if waiting.is_empty() && !self.under_way.is_empty() { 20 } else { 1 },
        ];
        match pick(&mut self.rng, &weights) {
            0 => {
                let asked = Asked::random(self.model.requests.len(), self.mood, &mut self.rng);
                self.send_any(asked);
            }
            1 => self.release(&waiting, |_, _| Order::Go),
            2 => self.deliver_any()?,
            3 => self.release(&waiting, fault),
            4 => self.crash(),
            5 => self.pass(),
            _ => self.wait().await,
        }
        self.settle().await
    }

    /// Lets the tasks run until each waits, and tells the model what they did.
    pub(super) async fn settle(&mut self) -> Checked {
        for _ in 0..TURNS {
            yield_now().await;
        }
        for event in self.stops.take_log() {
            if let What::Answered(answered) = &event.what {
                let number = event.by.expect("an answer has a request");
                self.say(format!("w{number} is answered {}", answered.status));
                self.figures.answered(answered.status);
                self.model.take(&event)?;
                self.hear(number, answered.clone());
            } else {
                self.model.take(&event)?;
            }
        }
        Ok(())
    }

    fn send_any(&mut self, asked: Asked) {
        let client = Some(self.rng.usize(..=CLIENTS)).filter(|client| *client < CLIENTS);
        let mut tokens: Vec<String> = match client {
            Some(client) => self.jars[client].clone().into_iter().collect(),
            None => self.any_known().into_iter().collect(),
        };
        // Cookies of another path or domain come as well.
        if self.rng.u8(..8) == 0 {
            tokens.extend(self.any_known().filter(|second| !tokens.contains(second)));
            self.rng.shuffle(&mut tokens);
        }
        let host = if self.rng.bool() { 0 } else { self.rng.usize(..self.hosts.len()) };
        self.send(asked, client, host, tokens);
    }

    /// Sends a request. Each begins in a second of its own, so that the clock can tell their order.
    pub(super) fn send(
        &mut self,
        asked: Asked,
        client: Option<usize>,
        host: usize,
        tokens: Vec<String>,
    ) {
        self.advance(1);
        let number = self.model.requests.len();
        let names: Vec<_> =
            tokens.iter().map(|token| self.model.tokens[token].name.as_str()).collect();
        let from = client.map_or("the attacker".to_owned(), |client| format!("client {client}"));
        let said = format!("{from} asks host {host} with {names:?}: {asked}");
        self.say(said);
        self.figures.asked(asked.kind);
        let answer = self.hosts[host].send(&asked.to_string(), &tokens);
        self.model.begin(asked, tokens, self.clock.now());
        let stops = Arc::clone(&self.stops);
        let request = async move { stops.note(What::Answered(answer.await)) };
        let task = spawn_local(REQUEST.scope(number, request));
        self.under_way.insert(number, UnderWay { client, task });
        self.paces.push([1, 8, 8, 40][self.rng.usize(..4)]);
    }

    fn any_known(&mut self) -> Option<String> {
        let newest = self.known.len().min(4);
        // Mostly one of the last, since most of the others open nothing.
        let from = if self.rng.u8(..4) == 0 { 0 } else { self.known.len() - newest };
        (newest > 0).then(|| self.known[self.rng.usize(from..self.known.len())].clone())
    }

    fn release(&mut self, waiting: &[Stop], order: impl FnOnce(&mut Rng, bool) -> Order) {
        let pace = |stop: &Stop| stop.0.map_or(8, |by| self.paces[by]);
        let paces: Vec<_> = waiting.iter().map(pace).collect();
        let stop = waiting[pick(&mut self.rng, &paces)];
        let order = order(&mut self.rng, self.stops.is_done(stop));
        self.tell(stop, order);
    }

    fn tell(&mut self, stop: Stop, order: Order) {
        let Some((what, since)) = self.stops.release(stop, order) else { return };
        let by = stop.0.map_or("a task".to_owned(), |by| format!("w{by}"));
        self.say(format!("{by}: {what}: {order:?}"));
        if let (Some(by), true) =
            (stop.0, what.starts_with("index adds") || what.starts_with("index looks"))
        {
            let waited = self.clock.now().duration_since(since).unwrap_or_default();
            self.model.requests[by].slack += waited;
        }
    }

    /// An answer is on its way to a client; the attacker has it at once.
    fn hear(&mut self, number: usize, answered: Answered) {
        let UnderWay { client, .. } = self.under_way.remove(&number).expect("it was under way");
        let token = answered.cookie.as_ref().filter(|cookie| !cookie.is_removal());
        if let Some(token) = token
            && !self.known.contains(&token.value)
        {
            self.known.push(token.value.clone());
        }
        if let Some(client) = client
            && answered.cookie.is_some()
        {
            self.answers.insert(number * CLIENTS + client, answered);
        }
    }

    fn deliver_any(&mut self) -> Checked {
        let at = self.rng.usize(..self.answers.len());
        let id = *self.answers.keys().nth(at).expect("it is below their number");
        let (number, client) = (id / CLIENTS, id % CLIENTS);
        let answered = self.answers.remove(&id).expect("it was there");
        if self.rng.u8(..7) == 0 {
            self.say(format!("the answer of w{number} is lost"));
            return Ok(());
        }
        self.say(format!("the answer of w{number} arrives"));
        let cookie = answered.cookie.expect("others are not kept");
        let comes = (!cookie.is_removal()).then_some(cookie.value);
        let held = self.jars[client].take();
        let now = self.clock.now();
        self.model.check_delivery(number, held.as_deref(), comes.as_deref(), now)?;
        self.jars[client] = comes;
        Ok(())
    }

    fn crash(&mut self) {
        let at = self.rng.usize(..self.under_way.len());
        let number = *self.under_way.keys().nth(at).expect("it is below their number");
        let UnderWay { task, .. } = self.under_way.remove(&number).expect("it was there");
        task.abort();
        self.say(format!("w{number} is dropped"));
    }

    /// Lets time pass by the clocks of store and hosts.
    fn pass(&mut self) {
        let seconds = match (self.rng.u8(..10), self.mood) {
            (0, Mood::Mixed | Mood::Ending) => self.rng.u64(61..95),
            (_, Mood::Calm) => self.rng.u64(10..45),
            (1..=3, _) => self.rng.u64(10..60),
            _ => self.rng.u64(1..10),
        };
        self.say(format!("{seconds} s pass"));
        self.advance(seconds);
    }

    pub(super) fn advance(&self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        // The first host has the store's clock.
        self.hosts.iter().for_each(|host| host.clock.advance(by));
    }

    /// Lets time pass by which deadlines are measured, and pauses between two tries.
    async fn wait(&mut self) {
        let millis = if self.rng.u8(..6) == 0 { 600 } else { 40 };
        self.say(format!("{millis} ms pass for those that wait"));
        tokio::time::advance(Duration::from_millis(millis)).await;
    }

    /// Lets everything that is under way come to its end.
    pub(super) async fn finish(&mut self) -> Checked {
        self.say("nothing is held any more".to_owned());
        for stop in self.stops.waiting() {
            self.tell(stop, Order::Go);
        }
        self.stops.open();
        for _ in 0..10 {
            self.settle().await?;
            tokio::time::advance(Duration::from_millis(300)).await;
        }
        self.settle().await?;
        assert!(self.under_way.is_empty(), "a request does not end");
        Ok(())
    }

    pub(super) fn say(&mut self, what: String) {
        self.trace.push(what);
    }
}

fn fault(rng: &mut Rng, is_done: bool) -> Order {
    match (is_done, rng.u8(..3)) {
        (true, _) => Order::Loses,
        (false, 0) => Order::Full,
        (false, _) => Order::Fails,
    }
}

/// Returns a position at random, each as often as it weighs.
pub(super) fn pick(rng: &mut Rng, weights: &[u32]) -> usize {
    let mut at = rng.u32(..weights.iter().sum::<u32>());
    let is_it = |weight: &u32| match at.checked_sub(*weight) {
        Some(rest) => {
            at = rest;
            false
        }
        None => true,
    };
    weights.iter().position(is_it).expect("a number below the sum")
}

/// Sessions live long, or end when they are not used or written for a while.
fn config(mood: Mood, rng: &mut Rng) -> SessionConfig {
    let seconds = Duration::from_secs;
    // In a calm history most are prolonged by writes alone.
    let writes = if matches!(mood, Mood::Calm) { 4 } else { 1 };
    match pick(rng, &[1, 1, writes]) {
        0 => SessionConfig::new(),
        1 => SessionConfig::new().idle_timeout(seconds(100)).touch_interval(seconds(50)),
        _ => SessionConfig::new().lifetime(seconds(100)).refresh_each_request(false),
    }
}
