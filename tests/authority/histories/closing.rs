//! What must hold when a history is over: nothing is under way, and the store works.

use std::{collections::BTreeSet, time::Duration};

use sessions::{backend::OwnedSession, store::Store};

use super::{
    model::{Checked, must},
    request::{Asked, Kind, OWNERS},
    scheduler::History,
};

impl<S: Store> History<S> {
    /// Ends a history: every session is listed, every token opens what it should, and no client is stuck.
    pub(super) async fn close(&mut self) -> Checked {
        self.finish().await?;
        // A circuit that has opened admits a call again.
        tokio::time::advance(Duration::from_secs(2)).await;
        self.check_lists().await?;
        let mut tokens: Vec<_> = self
            .model
            .tokens
            .iter()
            .map(|(text, token)| (token.name.clone(), text.clone()))
            .collect();
        tokens.sort();
        for (_, token) in tokens {
            self.ask(Kind::Read, None, vec![token]).await?;
        }
        self.say("a minute passes".to_owned());
        let waited = self.model.requests.iter().map(|request| request.waited).max();
        self.advance(61 + waited.unwrap_or_default().as_secs());
        for client in 0..self.jars.len() {
            let token = self.jars[client].clone().into_iter().collect();
            let status = self.ask(Kind::Write, Some(client), token).await?;
            must!(status == 200, "V7: client {client} is answered {status} a minute later");
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        kind: Kind,
        client: Option<usize>,
        tokens: Vec<String>,
    ) -> Result<u16, String> {
        let number = self.model.requests.len();
        let asked = Asked::of(number, kind, &mut self.rng);
        self.send(asked, client, 0, tokens);
        let before = self.figures.answers();
        self.settle().await?;
        let answered = self.figures.answers() - before;
        must!(answered == 1, "w{number} is not answered");
        Ok(self.figures.last_status())
    }

    /// Every session of an owner is in the owner's list, but one that ended with the others may be.
    async fn check_lists(&mut self) -> Checked {
        for owner in OWNERS {
            let listed = self.hosts[0].backend.sessions_of(owner).await;
            let listed = listed.map_err(|err| format!("the list of {owner}: {err}"))?;
            let now = self.clock.now();
            let ids: BTreeSet<_> = listed.iter().map(OwnedSession::id).collect();
            for (key, session) in &self.model.records {
                let login = session.last().login.filter(|login| login.owner == owner);
                let lives = login.filter(|_| session.lives_at(now));
                let is_listed = ids.contains(&self.stops.id(*key));
                must!(lives.is_some() || !is_listed, "index: r{key} is in the list of {owner}");
                let may_be_out = lives.is_none_or(|login| self.model.may_end(&login));
                must!(
                    is_listed || may_be_out || session.last().is_late,
                    "index: r{key} is not in the list of {owner}"
                );
            }
            self.settle().await?;
        }
        Ok(())
    }
}
