//! What a request is answered is true, and shows nothing that its token did not open.

use std::time::SystemTime;

use serde_json::Value;

use super::{
    event::{Answered, Payload},
    model::{Checked, Login, Model, Token, must},
    request::{Kind, Word},
};

impl Model {
    pub(super) fn answered(&mut self, by: usize, answer: &Answered, at: SystemTime) -> Checked {
        for (verb, value) in &answer.said {
            match verb.as_str() {
                "read" => self.check_read(by, value)?,
                "now" => self.check_early_save(by, value)?,
                "all" | "others" if value.is_u64() => self.check_end(by, at)?,
                _ => {}
            }
        }
        self.take_cookie(by, answer, at)?;
        let request = &self.requests[by];
        match answer.status {
            200 => {
                if request.asked.writes() {
                    self.check_kept(by)?;
                }
                if request.asked.has(&Word::Purge) {
                    self.check_logged_out(by, at)?;
                }
            }
            409 => self.check_refused(by, at)?,
            status => must!(status >= 500, "{} is answered {status}", request.asked.tag),
        }
        self.requests[by].is_answered = true;
        Ok(())
    }

    /// A request reads what its token opens, all of it, as it was at that moment.
    fn check_read(&self, by: usize, shown: &Value) -> Checked {
        let request = &self.requests[by];
        let (tag, shown) = (&request.asked.tag, payload(shown));
        let opened = &request.opened;
        let may_have_ended = |login: Option<Login>| login.is_some_and(|login| self.may_end(&login));
        // Of two tokens of a record, the one that opens it may have come when it did so no longer.
        let may_be_nothing = opened.iter().all(|opened| {
            may_have_ended(opened.login) || request.loads.get(&opened.key).is_some_and(|&n| n > 1)
        });
        if shown.is_empty() {
            must!(may_be_nothing, "V5: {tag} is shown nothing of {:?}", opened[0].payload);
            return Ok(());
        }
        let is_opened = opened.iter().any(|opened| opened.payload == shown);
        must!(is_opened, "V2: {tag} is shown {shown:?}, and opened {}", self.describe(by));
        Ok(())
    }

    /// An early save shows what the request wrote, and what its token opens.
    fn check_early_save(&self, by: usize, shown: &Value) -> Checked {
        let request = &self.requests[by];
        let tag = &request.asked.tag;
        let own_record = request.issued.as_ref().map(|(key, _)| *key);
        for (name, value) in payload(shown) {
            let is_own = value == **tag || name == "_owner" && request.asked.logs_in().is_some();
            let is_opened = request.opened.iter().any(|opened| {
                let versions = self.records[&opened.key].versions.iter();
                let mut seen = versions.filter(|version| version.epoch == opened.epoch);
                seen.any(|version| version.kept.payload.get(&name) == Some(&value))
            });
            must!(
                is_own || is_opened,
                "V2: the early save of {tag} shows {name} = {value} of r{own_record:?}; it opened {}",
                self.describe(by)
            );
        }
        Ok(())
    }

    /// After the end of all no token opens a session of a login that began before.
    fn check_end(&mut self, by: usize, at: SystemTime) -> Checked {
        for end in self.ends.iter_mut().filter(|end| end.by == Some(by)) {
            end.is_answered = true;
        }
        for token in self.tokens.values() {
            self.check_not_ended(token, at)?;
        }
        Ok(())
    }

    fn check_not_ended(&self, token: &Token, at: SystemTime) -> Checked {
        if !self.standing(token, at).opens() {
            return Ok(());
        }
        let version = self.records[&token.key].last();
        let login = version.login.filter(|_| !version.is_late);
        let has_ended = login.is_some_and(|login| self.has_ended(&login));
        must!(!has_ended, "V4: {} opens r{}, which has ended: {login:?}", token.name, token.key);
        Ok(())
    }

    fn take_cookie(&mut self, by: usize, answer: &Answered, at: SystemTime) -> Checked {
        let Some(cookie) = answer.cookie.as_ref().filter(|cookie| !cookie.is_removal()) else {
            return Ok(());
        };
        if self.tokens.contains_key(&cookie.value) {
            return Ok(());
        }
        let request = &self.requests[by];
        let issued = request.issued.clone();
        let (key, verifier) =
            issued.ok_or(format!("{} has a token of no record", request.asked.tag))?;
        let versions = &self.records[&key].versions;
        let version = versions.iter().find(|version| version.kept.verifier == verifier);
        let version = version.ok_or(format!("a token opens no state of r{key}"))?;
        let name = format!("t{}", self.tokens.len());
        let (epoch, login_epoch) = (version.epoch, version.login_epoch);
        let token = Token { name, key, verifier, epoch, login_epoch };
        self.check_not_ended(&token, at)?;
        self.tokens.insert(cookie.value.clone(), token);
        Ok(())
    }

    /// What was answered with 200 is in the session that the request opened, or in the one that it began.
    fn check_kept(&self, by: usize) -> Checked {
        let request = &self.requests[by];
        let tag = &request.asked.tag;
        let is_written = |key: &usize| {
            let versions = &self.records[key].versions;
            versions.iter().any(|version| version.kept.payload.contains_key(tag))
        };
        let issued = request.issued.iter().map(|(key, _)| key);
        let opened = request.opened.iter().map(|opened| &opened.key);
        must!(issued.chain(opened).any(is_written), "V5: {tag} was not written");
        Ok(())
    }

    /// After a logout none of its tokens opens a session.
    fn check_logged_out(&self, by: usize, at: SystemTime) -> Checked {
        let request = &self.requests[by];
        for token in &request.tokens {
            let opens = self.opens(token, at);
            must!(!opens, "V8: {} has logged out, and its token opens", request.asked.tag);
        }
        Ok(())
    }

    /// What was answered with 409 is not written, and the request has lost what it opened.
    fn check_refused(&self, by: usize, at: SystemTime) -> Checked {
        let request = &self.requests[by];
        let tag = &request.asked.tag;
        for (key, session) in self.records.iter().filter(|(_, session)| session.lives_at(at)) {
            let is_there = session.last().kept.payload.contains_key(tag);
            must!(!is_there, "V1: {tag} was refused, and is in r{key}");
        }
        if let Some(owner) = request.asked.logs_in() {
            let login = Login { owner, began: request.began, slack: request.slack };
            let mut ends =
                self.ends.iter().filter(|end| end.by != Some(by) || !login.slack.is_zero());
            let is_ended = ends.any(|end| end.may_reach(&login));
            must!(is_ended, "V4: the login {tag} was refused, and no end came after it");
            return Ok(());
        }
        let mut tokens = request.tokens.iter().filter_map(|token| self.tokens.get(token));
        if request.asked.has(&Word::Purge) {
            let is_overtaken = tokens.any(|token| {
                let session = &self.records[&token.key];
                session.versions.iter().any(|version| version.login_epoch != token.login_epoch)
            });
            must!(is_overtaken, "V8: the logout {tag} was refused, and there was no login");
            return Ok(());
        }
        let is_lost = request.opened.iter().any(|opened| {
            let session = &self.records[&opened.key];
            opened.login.is_some_and(|login| self.may_end(&login))
                || !session.lives_at(at)
                || session.last().epoch != opened.epoch
                || session.last().login.is_some_and(|login| self.may_end(&login))
        });
        let renews_by_grace = request.asked.kind == Kind::Renew && self.came_by_grace(by);
        let is_stale = request.opened.is_empty() && tokens.next().is_some();
        must!(
            is_lost || renews_by_grace || is_stale,
            "V5: {tag} was refused, and its token still opens {}",
            self.describe(by)
        );
        Ok(())
    }

    /// An answer that reaches a client does not replace a token that opens a session by one that does not,
    /// unless its request was to set another.
    pub(super) fn check_delivery(
        &self,
        by: usize,
        held: Option<&str>,
        comes: Option<&str>,
        at: SystemTime,
    ) -> Checked {
        let request = &self.requests[by];
        let is_plain = !request.asked.sets_token() && !request.opened.is_empty();
        let is_again = comes.is_some_and(|comes| request.tokens.iter().any(|own| own == comes));
        let loses = held.is_some_and(|held| self.opens(held, at))
            && !comes.is_some_and(|comes| self.opens(comes, at));
        must!(
            !(loses && is_plain && is_again),
            "V9: {} overwrites a token that opens by one that does not",
            request.asked.tag
        );
        Ok(())
    }

    fn describe(&self, by: usize) -> String {
        let opened = &self.requests[by].opened;
        let one = opened
            .iter()
            .map(|opened| format!("r{} {:?}: {:?}", opened.key, opened.standing, opened.payload));
        format!("[{}]", one.collect::<Vec<_>>().join(", "))
    }
}

fn payload(shown: &Value) -> Payload {
    let members = shown.as_object().expect("entries are an object");
    members.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
