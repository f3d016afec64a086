//! What a store does is allowed to the request that it does it for.

use std::time::SystemTime;

use super::{
    event::{Kept, Payload},
    model::{Checked, Login, Model, Moment, Opened, Session, Standing, Version, must},
    request::Word,
};

impl Model {
    /// A new record holds what its request itself has written.
    pub(super) fn created(
        &mut self,
        key: usize,
        kept: &Kept,
        at: SystemTime,
        expires: SystemTime,
        by: Option<usize>,
    ) -> Checked {
        // A login goes on without its request.
        let written = kept.payload.iter().find(|(key, _)| *key != "_owner");
        let by = by.or_else(|| written.and_then(|(_, tag)| self.writer(tag)));
        let by = by.ok_or("V1: a session begins that no request asked for")?;
        let request = &self.requests[by];
        must!(!request.is_answered, "V1: {} begins a session after its answer", request.asked.tag);
        for (name, value) in kept.payload.iter().filter(|(name, _)| *name != "_owner") {
            let is_own = *value == *request.asked.tag && request.asked.puts(name);
            must!(is_own, "V2: the new r{key} of {} holds {name} = {value}", request.asked.tag);
        }
        let login = self.login(by, &kept.payload)?;
        let (epoch, is_late) = (self.new_epoch(), self.is_late(Some(by), at));
        self.requests[by].issued = Some((key, kept.verifier.clone()));
        let version = Version { epoch, login_epoch: epoch, kept: kept.clone(), login, is_late };
        let session =
            Session { versions: vec![version], expires: Some(expires), is_deleted: false };
        self.records.insert(key, session);
        Ok(())
    }

    /// Returns the login of a request that wrote this.
    fn login(&self, by: usize, payload: &Payload) -> Result<Option<Login>, String> {
        let Some(owner) = payload.get("_owner") else { return Ok(None) };
        let request = &self.requests[by];
        let logs_in = request.asked.logs_in().filter(|logs_in| *owner == **logs_in);
        let owner = logs_in.ok_or(format!("V1: {} logs {owner} in", request.asked.tag))?;
        // The request has ended the owner's others itself.
        let began = request.ended_up_to.unwrap_or(request.began);
        Ok(Some(Login { owner, began, slack: request.slack }))
    }

    /// A store has what it was given until that expires, and a request opens what its token opens.
    pub(super) fn loaded(
        &mut self,
        key: usize,
        kept: Option<&Kept>,
        at: SystemTime,
        expires: SystemTime,
        by: Option<usize>,
    ) -> Checked {
        let is_late = self.is_late(by, at);
        if let Some(session) = self.records.get_mut(&key) {
            let lives = session.lives_at(at);
            must!(lives == kept.is_some(), "the store has r{key}: {}", kept.is_some());
            if let Some(kept) = kept {
                must!(session.last().kept == *kept, "the store has another r{key}");
                if session.expires.is_none_or(|before| before < expires) {
                    session.versions.last_mut().expect("a record begins with a version").is_late =
                        is_late;
                }
                session.expires = Some(expires);
            }
        }
        let Some(by) = by else { return Ok(()) };
        let request = &self.requests[by];
        // Several at a time, so in any order: which of its tokens of this record this was is not known.
        let tokens = request.tokens.iter().filter_map(|token| self.tokens.get(token));
        let tokens: Vec<_> = tokens.filter(|token| token.key == key).collect();
        if request.loads.get(&key).copied().unwrap_or_default() == tokens.len() {
            return Ok(());
        }
        let opened: Vec<_> = tokens
            .into_iter()
            .map(|token| self.standing(token, at))
            .filter(|standing| standing.opens())
            .map(|standing| {
                let version = self.records[&key].last();
                let Version { epoch, login, ref kept, .. } = *version;
                Opened { key, epoch, payload: kept.payload.clone(), standing, login }
            })
            .collect();
        let request = &mut self.requests[by];
        *request.loads.entry(key).or_default() += 1;
        request.waited = at.duration_since(request.began.at).unwrap_or_default();
        request.opened.extend(opened);
        Ok(())
    }

    /// A record is changed by requests that opened it, in the epoch that they opened.
    pub(super) fn replaced(
        &mut self,
        key: usize,
        kept: &Kept,
        at: SystemTime,
        expires: SystemTime,
        by: Option<usize>,
    ) -> Checked {
        let old = self.records[&key].last().clone();
        let (before, after) = (&old.kept.payload, &kept.payload);
        let is_changed = |name: &str| before.get(name) != after.get(name);
        let renewed = after.get("e").filter(|_| is_changed("e"));
        let renewer = renewed.and_then(|tag| self.writer(tag));
        for (name, value) in after.iter().filter(|(name, _)| is_changed(name)) {
            let writer = if name == "_owner" { renewer } else { self.writer(value) };
            let writer = writer.ok_or(format!("V1: no request has written {name} = {value}"))?;
            let request = &self.requests[writer];
            let sentence = if name == "e" { "V1, V6" } else { "V1" };
            let (tag, epoch) = (&request.asked.tag, old.epoch);
            must!(
                request.may_write(key, epoch),
                "{sentence}: {tag} writes {name} to r{key}, which has another state of rights"
            );
            let asks = request.asked.puts(name) || name == "_owner";
            must!(asks, "V1: {tag} has not asked for {name} = {value}");
        }
        for (name, value) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
            must!(
                self.is_removed(key, old.epoch, name, value),
                "V5: {name} = {value} vanishes from r{key}"
            );
        }
        let is_late = self.is_late(by, at);
        let mut next = Version { kept: kept.clone(), is_late, ..old };
        let has_new_token = old.kept.verifier != kept.verifier;
        if let Some(renewer) = renewer {
            must!(has_new_token, "V6: r{key} is renewed, and keeps its token");
            next.epoch = self.new_epoch();
            if self.requests[renewer].asked.logs_in().is_some() {
                next.login_epoch = next.epoch;
                next.login = self.login(renewer, after)?;
            }
        } else if has_new_token {
            let rotates = by.is_some_and(|by| {
                let request = &self.requests[by];
                request.asked.has(&Word::Rotate) && request.may_write(key, old.epoch)
            });
            must!(rotates, "V1: r{key} gets another token that no request asked for");
        }
        if let (true, Some(by)) = (has_new_token, renewer.or(by)) {
            let request = &mut self.requests[by];
            request.issued = Some((key, kept.verifier.clone()));
            let (former, replaced) = &kept.formers[0];
            must!(*former == old.kept.verifier, "A7: r{key} does not know its last token");
            let is_dated = *replaced >= request.began.at && *replaced <= at + request.waited;
            must!(is_dated, "A7: the last token of r{key} was replaced at another time");
        }
        if !after.contains_key("_owner") {
            next.login = None;
        } else if renewer.is_none() && old.kept.since != kept.since {
            next.login = Some(self.dated_anew(key, &old, kept)?);
        }
        let session = self.records.get_mut(&key).expect("it was just read");
        session.versions.push(next);
        session.expires = Some(expires);
        Ok(())
    }

    /// A request that ends its owner's other sessions dates its own to the moment after its look.
    fn dated_anew(&self, key: usize, old: &Version, kept: &Kept) -> Result<Login, String> {
        let look = kept.since.and_then(|since| self.looks.get(&(since - 1)));
        let began: Moment = *look.ok_or(format!("V11: r{key} is dated to no look"))?;
        let login = old.login.ok_or(format!("V11: r{key} is dated, and has no owner"))?;
        let ends_others = self
            .requests
            .iter()
            .any(|request| request.asked.has(&Word::Others) && request.may_write(key, old.epoch));
        must!(ends_others, "V11: r{key} is dated, and no request of it ends others");
        Ok(Login { began, ..login })
    }

    /// Whether a request may have removed this key: a `clear` removes what it saw.
    fn is_removed(&self, key: usize, epoch: usize, name: &str, value: &serde_json::Value) -> bool {
        let may = self.requests.iter().filter(|request| request.may_write(key, epoch));
        may.into_iter().any(|request| {
            let saw =
                || request.opened.iter().any(|opened| opened.payload.get(name) == Some(value));
            request.asked.has(&Word::Remove(name.to_owned()))
                || request.asked.has(&Word::Clear) && saw()
        })
    }

    /// A record is deleted by its client, before another login; with its owner's sessions; or as the one
    /// that was chosen from its owner's list.
    pub(super) fn deleted(&mut self, key: usize, by: Option<usize>) -> Checked {
        let version = self.records[&key].last().clone();
        let ended = version.login.is_some_and(|login| {
            let is_chosen = |number: usize| {
                let request = &self.requests[number];
                !request.is_answered && request.asked.ends_one_of() == Some(login.owner)
            };
            self.may_end(&login)
                || self.candidates(by).any(is_chosen)
                || self.candidates(by).any(|number| self.ends_itself(number, key, login.owner))
        });
        let mut is_purge_across_login = false;
        let purged = self.candidates(by).any(|number| {
            let request = &self.requests[number];
            if request.is_answered || !request.purges() {
                return false;
            }
            let mut tokens = request.tokens.iter().filter_map(|token| self.tokens.get(token));
            let is_of_login = tokens
                .clone()
                .any(|token| token.key == key && token.login_epoch == version.login_epoch);
            is_purge_across_login |= !is_of_login && tokens.any(|token| token.key == key);
            is_of_login
        });
        let emptied = || {
            let payload = &version.kept.payload;
            let removed =
                |(name, value): (&String, &_)| self.is_removed(key, version.epoch, name, value);
            payload.iter().all(removed)
        };
        must!(
            ended || purged || emptied(),
            "{}: r{key}, {:?}, is deleted by {by:?}",
            if is_purge_across_login { "V10" } else { "V5, V11" },
            version.login
        );
        self.records.get_mut(&key).expect("it was just read").is_deleted = true;
        Ok(())
    }

    /// Whether a request that ends its owner's other sessions ends its own: another end came between.
    fn ends_itself(&self, number: usize, key: usize, owner: &str) -> bool {
        let request = &self.requests[number];
        let is_own = request.opened.iter().any(|opened| opened.key == key);
        let mut others = self.ends.iter().filter(|end| end.by != Some(number));
        is_own
            && !request.is_answered
            && request.asked.has(&Word::Others)
            && others.any(|end| end.owner == owner && end.done.seq > request.began.seq)
    }

    /// The requests that may have done what this one was seen to do: all, where it goes on without its
    /// request.
    fn candidates(&self, by: Option<usize>) -> impl Iterator<Item = usize> + use<> {
        by.map_or(0..self.requests.len(), |by| by..by + 1)
    }

    /// Whether a request opened a session by a former token only: it renews nothing.
    pub(super) fn came_by_grace(&self, number: usize) -> bool {
        let opened = &self.requests[number].opened;
        let standing = |opened: &Opened| (opened.key, opened.standing);
        let mut by_grace = opened.iter().filter(|opened| opened.standing == Standing::Grace);
        by_grace.any(|grace| {
            !opened.iter().map(standing).any(|is| is == (grace.key, Standing::Current))
        })
    }
}
